//! What is remembered: episodes, statements, the scope they belong to, and what a recall brings
//! back.

mod filter;
mod recalled;
mod statement;
mod trust;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{EpisodeId, Name, ThreadId, Timestamp};

pub use filter::RecallFilter;
pub use recalled::{Recalled, RecalledId};
pub use statement::{
    Confidence, MemoryKind, MemoryState, NewStatement, SourceQuote, Statement, VERBATIM_SOURCE,
    Validity,
};
pub use trust::Trust;

/// Whose memory: an assistant's, and optionally one user's within it. A scope without a user is
/// not the union of its users' memories; the two never see each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    pub assistant: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
}

/// What a call may do with memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemoryMode {
    /// Recall, and remember this turn.
    #[default]
    Auto,
    /// Recall, but remember nothing of this turn.
    ReadOnly,
    /// Neither.
    Off,
}

/// Who spoke, as far as recall is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    User,
    Assistant,
}

/// A verbatim turn as it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Episode {
    pub id: EpisodeId,
    pub thread: ThreadId,
    /// The turn's place within its thread, from 0.
    pub position: u32,
    pub speaker: Speaker,
    /// The name of who spoke: a person, `user`, or an assistant's name.
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
}
