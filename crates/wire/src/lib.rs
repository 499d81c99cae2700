//! Wire formats: JSON and server-sent events to and from the neutral chat types, in both
//! directions. Pure: no network, no async, no clock.
//!
//! Each format is one folder that knows its own field names and the neutral types, never another
//! format; `format` and `stream` choose the folder by [`backstay_core::WireFormat`]. Adding a format
//! is a folder and a line in each of their matches, which do not compile without it.

mod anthropic_messages;
mod data_url;
mod embeddings;
mod extension;
mod fields;
mod format;
mod gemini_generate;
mod loss;
mod models;
mod openai_chat;
mod openrouter_catalogue;
mod options;
mod routing_fields;
mod sse;
mod step;
mod stream;
mod token_count;
mod tolerant;
mod upstream_error;

pub use embeddings::{
    EMBEDDING_INPUTS_MAX, EmbeddingInput, EmbeddingReply, EmbeddingRequest, VectorEncoding,
    decode_embedding_reply, decode_embedding_request, encode_embedding_reply,
    encode_embedding_request,
};
pub use extension::{ExtensionHeaders, ReplyExtension, RequestExtension, ThreadChoice};
pub use format::{
    Decoded, decode_models, decode_reply, decode_request, encode_error, encode_reply,
    encode_request, upstream_error,
};
pub use loss::Loss;
pub use models::{ListedEndpoint, ListedModel};
pub use openrouter_catalogue::{decode_catalogue, decode_endpoints};
pub use options::EncodeOptions;
pub use routing_fields::delegated;
pub use sse::{SseEvent, SseParser};
pub use step::Step;
pub use stream::{StreamDecoder, StreamEncoder};
pub use token_count::{
    decode_token_count, decode_token_count_request, encode_token_count, encode_token_count_request,
};
pub use upstream_error::ProviderError;
