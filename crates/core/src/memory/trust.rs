//! How far the source of a memory can be believed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ascending. What is derived from several sources has the least of theirs.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The text of a file, a web page or an e-mail: anyone may have written it.
    Document,
    /// Someone other than the user of the conversation.
    ThirdParty,
    /// What a tool returned.
    Tool,
    /// A model's own words.
    ModelInference,
    /// A person's own words in their own conversation, or what they set by hand.
    #[default]
    DirectUser,
}

impl Trust {
    pub const ALL: [Self; 5] =
        [Self::Document, Self::ThirdParty, Self::Tool, Self::ModelInference, Self::DirectUser];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::ThirdParty => "third_party",
            Self::Tool => "tool",
            Self::ModelInference => "model_inference",
            Self::DirectUser => "direct_user",
        }
    }

    /// How many statements one source of this trust (`document:handbook.pdf`, `tool:web_search`) may
    /// have recalled in a scope; those after them are quarantined. A page that yields a thousand
    /// statements would crowd out what the user said, whatever each of them says. `None` for people
    /// in their own conversations and for models.
    ///
    /// This and [`Self::recalled_per_source`] are a choice, not a measurement: far above what an
    /// honest source adds, far below what fills a scope or an answer.
    pub fn source_cap(self) -> Option<usize> {
        match self {
            Self::Document | Self::ThirdParty => Some(100),
            Self::Tool => Some(200),
            Self::ModelInference | Self::DirectUser => None,
        }
    }

    /// How many statements of one source of this trust one recall may bring back.
    pub fn recalled_per_source(self) -> Option<usize> {
        match self {
            Self::Document | Self::ThirdParty => Some(3),
            Self::Tool => Some(5),
            Self::ModelInference | Self::DirectUser => None,
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trust| trust.as_str() == text)
    }
}
