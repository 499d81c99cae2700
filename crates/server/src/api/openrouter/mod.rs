//! OpenRouter's dialect, under `/api/v1`.

mod endpoint;
mod model;
pub(crate) mod models;
mod price;
pub(crate) mod providers;
