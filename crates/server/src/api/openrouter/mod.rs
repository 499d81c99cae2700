//! OpenRouter's dialect, under `/api/v1`.

pub(crate) mod activity;
pub(crate) mod credits;
mod dollars;
mod endpoint;
pub(crate) mod generation;
pub(crate) mod key;
mod key_info;
pub(crate) mod keys;
pub(crate) mod metadata;
mod model;
pub(crate) mod models;
mod price;
pub(crate) mod providers;
