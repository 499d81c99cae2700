//! A memory: one remembered statement with its provenance, its validity in time and its trust.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Scope, Trust};
use crate::{EpisodeId, MemoryId, Timestamp};

/// What sort of thing a statement says.
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
#[serde(rename_all = "lowercase")]
pub enum MemoryKind {
    #[default]
    Fact,
    Preference,
    Event,
    Plan,
    /// How two people or things stand to each other.
    Relation,
    /// How the user wants to be answered.
    Instruction,
}

impl MemoryKind {
    pub const ALL: [Self; 6] =
        [Self::Fact, Self::Preference, Self::Event, Self::Plan, Self::Relation, Self::Instruction];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Preference => "preference",
            Self::Event => "event",
            Self::Plan => "plan",
            Self::Relation => "relation",
            Self::Instruction => "instruction",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How sure one may be that the statement was meant, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schema(value_type = u8, maximum = 100)]
pub struct Confidence(u8);

impl Confidence {
    pub const CERTAIN: Self = Self(100);

    /// `None` above 100.
    pub fn percent(percent: u8) -> Option<Self> {
        (percent <= 100).then_some(Self(percent))
    }

    pub fn as_percent(self) -> u8 {
        self.0
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self::CERTAIN
    }
}

impl From<Confidence> for u8 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

impl TryFrom<u8> for Confidence {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        Self::percent(percent).ok_or_else(|| "confidence is a percentage, 0 to 100".to_owned())
    }
}

/// Whether a statement may be recalled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "state", content = "reason")]
pub enum MemoryState {
    #[default]
    Active,
    /// Kept for a person to look at, never given to a model; the reason is a sentence.
    Quarantined(String),
}

/// When a statement holds in the world: from (included) to (excluded); `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Validity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

impl Validity {
    pub fn covers(&self, moment: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.to.is_none_or(|to| moment < to)
    }
}

/// A turn that a statement rests on, and the words of it that say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceQuote {
    pub episode: EpisodeId,
    pub quote: String,
}

/// What one version of a memory says. A later version never overwrites it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewStatement {
    pub text: String,
    #[serde(default)]
    pub kind: MemoryKind,
    /// Whom or what it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default)]
    pub confidence: Confidence,
    #[serde(default)]
    pub trust: Trust,
    #[serde(flatten, default)]
    pub state: MemoryState,
    /// In the world, unlike `recorded_at` and `retracted_at` of [`Statement`].
    #[serde(default)]
    pub valid: Validity,
    pub said_at: Timestamp,
    /// Policy: after this moment it is not recalled any more, and deleted by the next clean-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Recalled before others, and never forgotten by decay or expiry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// Where it came from, to be purged together: `api`, `learned`, `import:mem0`,
    /// `document:handbook.pdf`, `tool:web_search`.
    pub source: String,
    /// The model and the version of the prompt that found it; `None` when a person stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_by: Option<String>,
    /// The turns that it rests on; when the last of them is forgotten, so is it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceQuote>,
    /// Free, for filters.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The source of what an application keeps word for word.
pub const VERBATIM_SOURCE: &str = "application";

impl NewStatement {
    /// Whether it is kept word for word, beside others that say the same in other words.
    pub fn is_verbatim(&self) -> bool {
        self.source == VERBATIM_SOURCE
    }
}

/// A memory as it is stored: a version of a statement. Bi-temporal: `valid` is when it holds in the
/// world, `recorded_at` to `retracted_at` is when Backstay believed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    pub id: MemoryId,
    /// From 1; each edit, merge or change of state makes the next.
    pub version: u32,
    pub scope: Scope,
    #[serde(flatten)]
    pub said: NewStatement,
    pub recorded_at: Timestamp,
    /// `None` while this is what Backstay believes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracted_at: Option<Timestamp>,
    /// The memory that took its place when another statement contradicted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<MemoryId>,
}
