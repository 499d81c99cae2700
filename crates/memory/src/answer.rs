//! What is asked of a recall, and what comes back.

use backstay_core::{
    ThreadId, Timestamp,
    memory::{RecallFilter, Recalled},
};

use crate::{Evidence, Profile, RecallMode};

/// What a recall may bring back.
#[derive(Clone, Debug)]
pub struct RecallOptions {
    /// Tokens that the block in the prompt may take, with its fence.
    pub budget_tokens: u64,
    /// Memories at most.
    pub limit: usize,
    /// A thread, and the position from which its turns are in the prompt already.
    pub exclude: Option<(ThreadId, u32)>,
    pub filter: RecallFilter,
    /// What "yesterday" in the question counts from.
    pub now: Timestamp,
    /// `None` chooses by what the scope's turns look like.
    pub profile: Option<Profile>,
}

impl RecallOptions {
    /// 1,000 tokens, 50 memories.
    pub fn at(now: Timestamp) -> Self {
        let filter = RecallFilter::default();
        Self { budget_tokens: 1_000, limit: 50, exclude: None, filter, now, profile: None }
    }
}

/// What a recall found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    /// In order of time; empty when nothing bears on the question.
    pub items: Vec<Recalled>,
    /// What they cost in the prompt with their fence, as an estimate; 0 when there are none.
    pub tokens: u64,
    /// False when the scope holds nothing that bears on the question.
    pub relevant: bool,
    /// The strongest sign that it does.
    pub evidence: Evidence,
    pub mode: RecallMode,
}
