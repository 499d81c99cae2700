//! Embeddings: OpenAI's interface for clients; OpenAI's, Gemini's and Cohere's for providers.

mod client;
mod upstream;

pub use client::{decode_embedding_request, encode_embedding_reply};
pub use upstream::{decode_embedding_reply, encode_embedding_request};

use backstay_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value};

/// Texts in one request: what OpenAI allows.
pub const EMBEDDING_INPUTS_MAX: usize = 2_048;

/// What a client wants embedded.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    pub model: String,
    pub input: EmbeddingInput,
    /// The length of the vectors, where the model can choose.
    pub dimensions: Option<u64>,
    pub encoding: VectorEncoding,
    /// Every other field as the client wrote it.
    pub fields: Map<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EmbeddingInput {
    Texts(Vec<String>),
    /// Tokens of one particular model's vocabulary, as the client wrote them; only an upstream of
    /// OpenAI's format can take them.
    Tokens(Value),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorEncoding {
    #[default]
    Float,
    /// The numbers as little-endian 32-bit floats, in base64.
    Base64,
}

/// The vectors, in the order of the texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingReply {
    pub vectors: Vec<Vec<f32>>,
    /// The provider's own name of the model, where it gave one.
    pub model: Option<String>,
    /// `None` when the provider counts nothing.
    pub prompt_tokens: Option<u64>,
}

impl EmbeddingRequest {
    /// The texts, for models that read no other model's tokens.
    ///
    /// # Errors
    /// `UnsupportedContent` for token arrays.
    pub fn texts(&self) -> Result<&[String]> {
        match &self.input {
            EmbeddingInput::Texts(texts) => Ok(texts),
            EmbeddingInput::Tokens(_) => Err(Error::new(
                ErrorCode::UnsupportedContent,
                "`input` holds token numbers, which mean nothing to this model; send text instead \
                 (in LangChain: check_embedding_ctx_length=False)",
            )
            .with_parameter("input")),
        }
    }
}
