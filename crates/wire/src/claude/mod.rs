//! What has to be known of Claude's models whichever format they are called in: their generations, how
//! they think, and which settings and schemas they take.

mod sampling;
mod schema;
mod thinking;
mod version;

pub(crate) use sampling::Sampling;
pub(crate) use schema::fit_schema;
pub(crate) use thinking::{ANSWER_TOKENS_DEFAULT, Circumstances, Thinking};
pub(crate) use version::ClaudeVersion;
