//! What a model says, as it says it. A complete answer is a stream that arrives at once.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{GenerationId, Money, Price, Usage, WireFormat};

/// One step of a model's answer. `choice` counts from 0; most answers have one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChatEvent {
    /// The provider's own id and model name, and its time of creation in Unix seconds.
    Started {
        id: Option<String>,
        model: Option<String>,
        created: Option<i64>,
    },
    Text {
        choice: u32,
        text: String,
    },
    Reasoning {
        choice: u32,
        text: String,
    },
    /// Closes a block of thinking with the provider's proof of it, or carries encrypted thinking.
    ReasoningSignature {
        choice: u32,
        signature: Option<String>,
        redacted: Option<String>,
    },
    Refusal {
        choice: u32,
        text: String,
    },
    /// `index` counts the tool calls of this choice from 0.
    ToolCallStarted {
        choice: u32,
        index: u32,
        id: String,
        name: String,
        signature: Option<String>,
    },
    ToolCallArguments {
        choice: u32,
        index: u32,
        fragment: String,
    },
    /// Log probabilities in OpenAI's shape; other formats have none.
    Logprobs {
        choice: u32,
        value: Value,
    },
    Finished {
        choice: u32,
        reason: FinishReason,
        /// The provider's own word for it, where it said one.
        native: Option<String>,
    },
    /// The answer broke off, and another endpoint goes on with it.
    Continued {
        provider: String,
        model: String,
    },
    /// What the provider counted so far; the last one holds.
    Usage(Usage),
    /// The ledger's word on this generation: the last event of every stream that the engine
    /// returns, also before an error.
    Settled(Box<Settlement>),
}

impl ChatEvent {
    /// True for what a user would see: after the first of these an answer can no longer be
    /// replaced by another endpoint's without splicing two answers.
    pub fn is_content(&self) -> bool {
        matches!(
            self,
            Self::Text { .. }
                | Self::Reasoning { .. }
                | Self::ReasoningSignature { .. }
                | Self::Refusal { .. }
                | Self::ToolCallStarted { .. }
                | Self::ToolCallArguments { .. }
                | Self::Finished { .. }
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    /// A reason that only this provider knows, in its own word.
    Other(String),
}

impl FinishReason {
    /// OpenAI's word, which OpenRouter's clients and the ledger use too. A reason that has none keeps
    /// its own: clients read an unknown word as "other", while "stop" would say that the answer is
    /// complete.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(word) => word,
        }
    }
}

/// Events that belong together, with the bytes that they came from.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Frame {
    pub events: Vec<ChatEvent>,
    pub raw: Option<RawFrame>,
}

/// Bytes as the provider sent them, for a client that speaks the same format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFrame {
    pub format: WireFormat,
    /// One whole server-sent event with its blank line, or one whole JSON body.
    pub bytes: Bytes,
}

impl Frame {
    pub fn of(event: ChatEvent) -> Self {
        Self { events: vec![event], raw: None }
    }
}

/// How a generation ended and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    pub generation: GenerationId,
    pub status: SettlementStatus,
    pub usage: Usage,
    /// `None` when the price is unknown.
    pub cost: Option<Money>,
    /// What a token cost when the call was made; `None` when it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    pub latency_ms: u64,
    /// Milliseconds to the first content, `None` when none came.
    pub first_token_ms: Option<u64>,
    /// Which provider and which of its models answered.
    pub provider: String,
    pub model: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettlementStatus {
    /// Dispatched and not yet settled; a row that still says so after a start was cut off by a crash.
    Pending,
    Completed,
    Failed,
    /// The client went away.
    Cancelled,
    /// The server stopped while the call was open; found and settled at the next start.
    Interrupted,
}
