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

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trust| trust.as_str() == text)
    }
}
