//! Turns and memories for the unit tests of learning.

use backstay_core::{
    EpisodeId, MemoryId, Name, ThreadId, Timestamp,
    memory::{
        Confidence, Episode, MemoryKind, MemoryState, NewStatement, Scope, Speaker, Statement,
        Trust, Validity,
    },
};

use super::Turn;

pub(crate) fn said_at() -> Timestamp {
    Timestamp::parse("2025-03-09T18:30:00Z").unwrap()
}

/// A turn of a Sunday evening; the author `assistant` is a model, anyone else the user.
pub(crate) fn turn(position: u32, author: &str, text: &str) -> Turn {
    let (speaker, trust) = match author {
        "assistant" => (Speaker::Assistant, Trust::ModelInference),
        _ => (Speaker::User, Trust::DirectUser),
    };
    let episode = Episode {
        id: EpisodeId::parse(&format!("ep_{position}")).unwrap(),
        thread: ThreadId::parse("thr_1").unwrap(),
        position,
        speaker,
        author: author.to_owned(),
        text: text.to_owned(),
        said_at: said_at(),
    };
    Turn { episode, trust }
}

/// A memory of a month before.
pub(crate) fn known(id: &str, text: &str) -> Statement {
    let said = NewStatement {
        text: text.to_owned(),
        kind: MemoryKind::Fact,
        subject: None,
        confidence: Confidence::CERTAIN,
        trust: Trust::DirectUser,
        state: MemoryState::Active,
        valid: Validity::default(),
        said_at: Timestamp::parse("2025-02-09T18:30:00Z").unwrap(),
        expires_at: None,
        pinned: false,
        source: "learned".to_owned(),
        learned_by: Some("m learn-1".to_owned()),
        sources: Vec::new(),
        metadata: serde_json::Map::new(),
    };
    Statement {
        id: MemoryId::parse(id).unwrap(),
        version: 1,
        scope: Scope { assistant: Name::default_assistant(), user: None },
        recorded_at: said.said_at,
        said,
        retracted_at: None,
        superseded_by: None,
    }
}
