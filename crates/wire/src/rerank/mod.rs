//! Reranking: which of some documents answer a query best. Cohere's interface, which others followed.

mod client;
mod upstream;

pub use client::{decode_rerank_request, encode_rerank_reply};
pub use upstream::{decode_rerank_reply, encode_rerank_request};

use backstay_core::{Money, tokens};
use serde_json::{Map, Value};

/// What a client wants ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct RerankRequest {
    pub model: String,
    pub query: String,
    pub documents: Vec<RerankDocument>,
    /// How many results are wanted; all without it.
    pub top_n: Option<u64>,
    /// Every other field as the client wrote it.
    pub fields: Map<String, Value>,
}

impl RerankRequest {
    /// Our own count of what is to be read.
    pub fn estimated_tokens(&self) -> u64 {
        let documents = self.documents.iter().filter_map(RerankDocument::text);
        tokens::estimate(&self.query) + documents.map(tokens::estimate).sum::<u64>()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum RerankDocument {
    Text(String),
    /// `{"text": …, "image": …}` as the client wrote it.
    Object(Map<String, Value>),
}

impl RerankDocument {
    /// The text, where there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(members) => members.get("text").and_then(Value::as_str),
        }
    }
}

/// The ranking, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RerankReply {
    pub id: Option<String>,
    /// The provider's own name of the model, where it gave one.
    pub model: Option<String>,
    pub results: Vec<RerankResult>,
    /// What the provider charges for, where it counts it: at Cohere a query with up to 100 documents.
    pub search_units: Option<u64>,
    pub total_tokens: Option<u64>,
    /// What the provider says that it charged, where it says so.
    pub provider_cost: Option<Money>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RerankResult {
    /// Which of the request's documents.
    pub index: usize,
    pub relevance_score: f64,
}
