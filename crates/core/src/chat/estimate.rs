//! How many tokens a request takes, by our own estimate.

use super::{ChatRequest, Message, Part};
use crate::{Usage, tokens};

/// What providers commonly charge for a picture of middling size.
const MEDIA_TOKENS: u64 = 1_000;

impl Part {
    fn images(&self) -> u64 {
        match self {
            Self::Image(_) => 1,
            Self::ToolResult { parts, .. } => parts.iter().map(Self::images).sum(),
            _ => 0,
        }
    }

    pub fn estimated_tokens(&self) -> u64 {
        match self {
            Self::Text { text } | Self::Reasoning { text, .. } | Self::Refusal { text } => {
                tokens::estimate(text)
            }
            Self::ToolCall(call) => {
                tokens::estimate(&call.name) + tokens::estimate(&call.arguments)
            }
            Self::ToolResult { parts, .. } => parts.iter().map(Self::estimated_tokens).sum(),
            Self::Recalled(block) => tokens::estimate(&block.to_prompt_text()),
            Self::Image(_) | Self::File(_) | Self::Audio(_) => MEDIA_TOKENS,
        }
    }
}

impl Message {
    pub fn estimated_tokens(&self) -> u64 {
        self.parts.iter().map(Part::estimated_tokens).sum()
    }
}

impl ChatRequest {
    /// Messages and tools.
    pub fn estimated_prompt_tokens(&self) -> u64 {
        let messages: u64 = self.messages.iter().map(Message::estimated_tokens).sum();
        let tools = self.tools.iter().map(|tool| tokens::estimate(&format!("{tool:?}")));
        messages + tools.sum::<u64>()
    }

    /// Images of messages and of tools' results, which some providers charge for each.
    pub fn prompt_images(&self) -> u64 {
        self.messages.iter().flat_map(|message| &message.parts).map(Part::images).sum()
    }

    /// What a provider that has read the request, and not said so, is taken to charge for.
    pub fn estimated_prompt_usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.estimated_prompt_tokens(),
            prompt_images: self.prompt_images(),
            estimated: true,
            ..Usage::default()
        }
    }
}
