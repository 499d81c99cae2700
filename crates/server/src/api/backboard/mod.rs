//! Backboard's dialect, under `/api`, and at the root for clients whose base URL has no path.

mod assistants;
mod client;
mod document_view;
mod documents;
mod encodings;
mod ids;
mod media;
mod memories;
mod memory_facts;
mod messages;
mod model_row;
mod models;
mod oauth;
mod outputs;
mod reply;
mod routes;
mod runs;
mod stream;
mod thread_view;
mod threads;
mod usage;

pub(crate) use routes::routes;
