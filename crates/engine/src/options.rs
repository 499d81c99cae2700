//! Settings of the engine that an operator may change.

use std::path::PathBuf;

use backstay_memory::MemoryOptions;
use backstay_store::Retention;

use crate::{DocumentOptions, LearningOptions, MemoryVectors};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Tokens of recalled memories in one prompt.
    pub budget_tokens: u64,
    /// Tokens of thread history in one prompt; older turns are left to recall.
    pub history_tokens: u64,
    /// What a call is taken to answer at most when neither the request nor the catalogue says: so
    /// much is reserved of a budget.
    pub output_tokens_assumed: u64,
    /// `None`: no model learns, and turns are remembered as they were said.
    pub learning: Option<LearningOptions>,
    /// For how long is kept what grows with every call.
    pub retention: Retention,
    pub vectors: MemoryVectors,
    pub memory: MemoryOptions,
    pub documents: DocumentOptions,
    /// Where calls are kept that are answered while a store that servers share is away; `None`: none is.
    pub spool: Option<PathBuf>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            budget_tokens: 1_000,
            history_tokens: 32_000,
            output_tokens_assumed: 4_096,
            learning: None,
            retention: Retention::default(),
            vectors: MemoryVectors::default(),
            memory: MemoryOptions::default(),
            documents: DocumentOptions::default(),
            spool: None,
        }
    }
}
