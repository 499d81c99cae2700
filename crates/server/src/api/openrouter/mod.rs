//! OpenRouter's dialect, under `/api/v1`.

mod endpoint;
pub(crate) mod metadata;
mod model;
pub(crate) mod models;
mod price;
pub(crate) mod providers;
