//! OpenAI chat completions, spoken by clients to us and by us to every compatible provider.
//!
//! Reference: <https://platform.openai.com/docs/api-reference/chat>; where compatible servers
//! deviate, the reader of that field says how.

mod choices;
mod chunk;
mod client_content;
mod client_message;
mod client_reply;
mod client_request;
mod client_stream;
mod client_tools;
mod finish_reason;
mod payload;
mod signature;
mod upstream_content;
mod upstream_list;
mod upstream_message;
mod upstream_reply;
mod upstream_request;
mod usage;

pub(crate) use chunk::write_data;
pub(crate) use client_reply::{encode_error, encode_reply};
pub(crate) use client_request::decode_request;
pub(crate) use client_stream::StreamEncoder;
pub(crate) use upstream_list::{decode_models, provider_error};
pub(crate) use upstream_reply::{StreamDecoder, decode_reply};
pub(crate) use upstream_request::encode_request;
