//! What an encoder has to know about the call besides its events.

/// How a client's answer is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// The client asked for a usage chunk at the end of its stream (OpenAI's
    /// `stream_options.include_usage`).
    pub include_usage: bool,
    /// The answer's id where the provider gave none.
    pub generation: String,
    /// The model's name as the client wrote it, where the provider named none.
    pub model: String,
    /// Unix seconds, where the provider gave no time.
    pub created: i64,
}
