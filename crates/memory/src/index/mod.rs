//! The index of one scope: its turns in their conversations, their words and their vectors.

pub(crate) mod bm25;
mod cache;
mod scope_index;
mod turn;
pub(crate) mod vectors;

pub(crate) use cache::{Loaded, ScopeCache, SharedIndex};
pub(crate) use scope_index::ScopeIndex;
pub(crate) use turn::Turn;

#[cfg(test)]
pub(crate) use scope_index::tests;
