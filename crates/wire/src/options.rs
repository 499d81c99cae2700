//! What an encoder has to know about the call besides its events.

use serde_json::{Map, Value};

/// How a client's answer is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodeOptions {
    /// The client asked for a usage chunk at the end of its stream (OpenAI's
    /// `stream_options.include_usage`).
    pub include_usage: bool,
    /// The client wants the model to think and not to see it.
    pub hide_reasoning: bool,
    /// The answer's id where the provider gave none; in OpenRouter's dialect always.
    pub generation: String,
    /// The model's name: as the client wrote it, or, in OpenRouter's dialect, of the model that
    /// answers. It is written where the provider named none.
    pub model: String,
    /// Who answers, for people: `Groq`.
    pub provider: String,
    /// Unix seconds, where the provider gave no time.
    pub created: i64,
    /// The usage says what the call cost, as OpenRouter's clients expect.
    pub show_cost: bool,
    /// OpenRouter's `openrouter_metadata`, where the client asks for it.
    pub metadata: Option<Value>,
    /// What an answer of OpenAI's Responses repeats of its request.
    pub echo: ResponseEcho,
}

/// The part of a request that its answer repeats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseEcho {
    /// Members of the answer, in OpenAI's words.
    pub fields: Map<String, Value>,
    /// The client wants the provider's proof of its thinking.
    pub encrypted_reasoning: bool,
}

/// What a client of OpenAI's Responses says about keeping and going on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stateful {
    /// The answer is kept, so that another call can go on from it.
    pub store: bool,
    /// The id of the answer that this call goes on from.
    pub previous: Option<String>,
    /// The items of this call's input.
    pub input: Vec<Value>,
}
