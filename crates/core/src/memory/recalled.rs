//! What a recall brings back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChunkId, EpisodeId, MemoryId, ThreadId, Timestamp};

/// What was recalled: a turn as it was said, a statement, a thread's summary, or a piece of a document.
/// Written as the plain identifier, whose prefix tells which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RecalledId {
    Episode(EpisodeId),
    Memory(MemoryId),
    /// The running summary of a thread, by the thread's identifier.
    Summary(ThreadId),
    Chunk(ChunkId),
}

impl RecalledId {
    /// `None` for anything but the identifier of an episode, a memory, a thread or a chunk.
    pub fn parse(text: &str) -> Option<Self> {
        EpisodeId::parse(text)
            .map(Self::Episode)
            .or_else(|| MemoryId::parse(text).map(Self::Memory))
            .or_else(|| ThreadId::parse(text).map(Self::Summary))
            .or_else(|| ChunkId::parse(text).map(Self::Chunk))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Episode(id) => id.as_str(),
            Self::Memory(id) => id.as_str(),
            Self::Summary(thread) => thread.as_str(),
            Self::Chunk(id) => id.as_str(),
        }
    }
}

impl std::fmt::Display for RecalledId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<RecalledId> for String {
    fn from(id: RecalledId) -> Self {
        id.as_str().to_owned()
    }
}

impl TryFrom<String> for RecalledId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("{text} is not the id of a memory"))
    }
}

impl PartialEq<EpisodeId> for RecalledId {
    fn eq(&self, other: &EpisodeId) -> bool {
        matches!(self, Self::Episode(id) if id == other)
    }
}

impl From<EpisodeId> for RecalledId {
    fn from(id: EpisodeId) -> Self {
        Self::Episode(id)
    }
}

impl From<MemoryId> for RecalledId {
    fn from(id: MemoryId) -> Self {
        Self::Memory(id)
    }
}

/// One remembered turn or statement that was found for a question, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recalled {
    #[schema(value_type = String, example = "ep_01jq8z0000000000000000000")]
    pub id: RecalledId,
    pub text: String,
    pub author: String,
    pub said_at: Timestamp,
    /// Where it was said; `None` for a statement that comes from no conversation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thread: Option<ThreadId>,
    /// 0 to 1 within this recall; comparable between items of one recall, not between recalls.
    pub score: f64,
    /// A sentence for a person: which words, which meaning, which neighbourhood.
    pub why: String,
}

impl Recalled {
    /// Whether this was said in the same conversation and on the same day as another.
    pub fn continues(&self, before: &Self) -> bool {
        self.thread == before.thread && self.said_at.date() == before.said_at.date()
    }
}
