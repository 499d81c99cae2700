//! Anthropic messages, spoken by clients to us and by us to providers.
//!
//! Reference: <https://docs.anthropic.com/en/api/messages>. A client's `system` becomes the first
//! message, with role `System` and the client's own value as its raw form: it reaches an upstream of
//! this format unchanged, and system messages that Backstay adds, which have no raw form, stand
//! beside it.

mod client_blocks;
mod client_content;
mod client_message;
mod client_reply;
mod client_request;
mod client_sources;
mod client_stream;
mod client_tools;
mod payload;
mod stop_reason;
mod upstream_content;
mod upstream_list;
mod upstream_message;
mod upstream_reply;
mod upstream_request;
mod upstream_tools;
mod usage;

pub(crate) use client_reply::{encode_error, encode_reply, with_cost};
pub(crate) use client_request::decode_request;
pub(crate) use client_stream::StreamEncoder;
pub(crate) use upstream_list::{decode_models, provider_error};
pub(crate) use upstream_reply::{StreamDecoder, decode_reply};
pub(crate) use upstream_request::encode_request;

/// Names of tools are `^[a-zA-Z0-9_-]{1,128}$`.
const NAME_CHARACTERS_MAX: usize = 128;
