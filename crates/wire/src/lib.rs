//! Wire formats: JSON and server-sent events to and from the neutral chat types, in both
//! directions. Pure: no network, no async, no clock.
//!
//! Each format is one folder that knows its own field names and the neutral types, never another
//! format; only what differs from OpenAI's chat by little (`openrouter_chat`,
//! `openai_completions`) builds on its folder. `format` and `stream` choose the folder of a provider by
//! [`backstay_core::WireFormat`], `dialect` and `stream_encoder` that of a client by [`Dialect`].
//! Adding one is a folder and a line in each of their matches, which do not compile without it.

mod anthropic_messages;
pub mod backboard;
mod bedrock_converse;
mod cache_marks;
mod cache_request;
mod call_ids;
mod claude;
mod cohere_chat;
mod data_url;
mod dialect;
mod dollars;
mod embeddings;
mod event_stream;
mod extension;
mod field_names;
mod fields;
mod format;
mod gemini_generate;
mod loss;
mod models;
mod openai_chat;
mod openai_completions;
mod openai_responses;
mod openrouter_catalogue;
mod openrouter_chat;
mod options;
mod parameter_rules;
mod rerank;
mod routing_fields;
mod sse;
mod step;
mod stream;
mod stream_encoder;
mod stream_parser;
mod token_count;
mod tolerant;
mod tool_input;
mod uncounted;
mod upstream_error;
mod whole_body;

pub use cache_request::{CacheHeaders, CacheRequest};
pub use dialect::{Decoded, Dialect, decode_request, encode_error, encode_reply};
pub use embeddings::{
    EMBEDDING_INPUTS_MAX, EmbeddingInput, EmbeddingReply, EmbeddingRequest, VectorEncoding,
    decode_embedding_reply, decode_embedding_request, encode_embedding_reply,
    encode_embedding_request,
};
pub use event_stream::EventStreamParser;
pub use extension::{CacheNote, ExtensionHeaders, ReplyExtension, RequestExtension, ThreadChoice};
pub use format::{
    ProviderFields, decode_models, decode_reply, encode_request, encode_request_with,
    upstream_error,
};
pub use loss::Loss;
pub use models::{ListedEndpoint, ListedModel};
pub use openai_completions::encode_completions;
pub use openai_responses::{
    generation_of_response, input_items, response_id, restored_response, without_output,
};
pub use openrouter_catalogue::{decode_catalogue, decode_endpoints};
pub use options::{EncodeOptions, ResponseEcho, Stateful};
pub use parameter_rules::ParameterRules;
pub use rerank::{
    RerankDocument, RerankReply, RerankRequest, RerankResult, decode_rerank_reply,
    decode_rerank_request, encode_rerank_reply, encode_rerank_request,
};
pub use routing_fields::{delegated, take as routing_preferences};
pub use sse::{SseEvent, SseParser};
pub use step::Step;
pub use stream::StreamDecoder;
pub use stream_encoder::StreamEncoder;
pub use stream_parser::StreamParser;
pub use token_count::{
    decode_token_count, decode_token_count_request, encode_token_count, encode_token_count_request,
};
pub use uncounted::uncounted;
pub use upstream_error::ProviderError;
