//! Anthropic's dialect.

pub(crate) mod count_tokens;
pub(crate) mod messages;
