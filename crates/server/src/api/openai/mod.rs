//! OpenAI's dialect.

pub(crate) mod chat_completions;
pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod rerank;
pub(crate) mod responses;
