//! The dialects. Each handler decodes, calls the engine and encodes; nothing is decided here.

mod answer;
pub(crate) mod anthropic;
mod body;
mod caller;
mod chat;
mod dialect;
pub(crate) mod fallback;
pub(crate) mod health;
mod model_lists;
mod model_query;
pub(crate) mod native;
pub(crate) mod openai;
pub(crate) mod openrouter;

pub(crate) use model_lists::ModelLists;
