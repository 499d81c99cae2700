//! What an encoder has to know about the call besides its events.

/// How a client's answer is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
}
