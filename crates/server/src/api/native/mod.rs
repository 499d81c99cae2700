//! Backstay's own API, under `/backstay/v1`.

pub(crate) mod conversations;
pub(crate) mod generations;
pub(crate) mod memories;
pub(crate) mod models;
mod page;
pub(crate) mod status;
pub(crate) mod threads;
