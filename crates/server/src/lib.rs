//! HTTP in, HTTP out: decodes a dialect, calls the engine, encodes the answer.
//!
//! [`Server::start`] is the whole product in one process; the binary and the tests start it alike.

mod api;
mod app;
mod config;
mod lingering;
mod listener;
mod request_id;
mod router;
mod state;
pub mod telemetry;

pub use app::{DocumentReader, Server, ServerOptions};
pub use config::{Config, ModelsFolder, StoreUrl};
