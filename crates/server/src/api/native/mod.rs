//! Backstay's own API, under `/backstay/v1`.

mod budgets;
mod conversations;
mod device_logins;
mod documents;
mod explain;
mod generations;
mod jobs;
mod keys;
mod ledger;
mod memories;
mod models;
mod openapi;
mod page;
mod prices;
mod route;
mod status;
mod threads;
mod workspace;

pub(crate) use memories::change::judged;
pub(crate) use openapi::routes;
