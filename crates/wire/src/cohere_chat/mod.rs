//! Cohere chat, version 2, spoken by us to providers.
//!
//! Reference: <https://docs.cohere.com/v2/reference/chat>. Citations have no neutral form and stay in
//! the provider's bytes.

mod content;
mod list;
mod messages;
mod parameters;
mod payload;
mod reply;
mod request;
mod stream;
mod tools;
mod usage;

pub(crate) use list::{decode_models, provider_error};
pub(crate) use reply::decode_reply;
pub(crate) use request::encode_request;
pub(crate) use stream::StreamDecoder;
