//! The wire formats that providers and clients speak.

use serde::{Deserialize, Serialize};

/// How chat travels over HTTP. Adding one is a folder in the `wire` crate and a line here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireFormat {
    /// OpenAI chat completions, and every server compatible with it.
    OpenAi,
    /// Anthropic messages.
    Anthropic,
    /// Gemini generateContent.
    Gemini,
    /// Cohere chat, version 2.
    Cohere,
    /// Amazon Bedrock Converse.
    Bedrock,
}

impl WireFormat {
    pub const ALL: [Self; 5] =
        [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Cohere, Self::Bedrock];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::Bedrock => "bedrock",
        }
    }
}
