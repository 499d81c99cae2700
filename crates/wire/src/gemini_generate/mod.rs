//! Gemini generateContent, spoken by us to providers.
//!
//! Reference: <https://ai.google.dev/api/generate-content>. The model's name and whether the answer
//! streams are in the URL, not in the body; a stream has no terminator but the connection's end.

mod candidates;
mod config;
mod content;
mod contents;
mod function_call;
mod list;
mod model_generation;
mod payload;
mod reply;
mod request;
mod thinking;
mod tools;

pub(crate) use list::{decode_models, provider_error};
pub(crate) use reply::{StreamDecoder, decode_reply};
pub(crate) use request::encode_request;
