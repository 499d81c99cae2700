//! Amazon Bedrock's Converse and ConverseStream, spoken by us to providers.
//!
//! Reference: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>. The
//! model's name and whether the answer streams are in the URL, not in the body. What only some models
//! have goes into `additionalModelRequestFields`.

mod blocks;
mod list;
mod media;
mod messages;
mod model_family;
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

/// Names of tools and ids of calls are `^[a-zA-Z0-9_-]{1,64}$`.
const NAME_CHARACTERS_MAX: usize = 64;
