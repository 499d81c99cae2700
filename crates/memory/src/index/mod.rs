//! The index of one scope: its turns in their conversations, their words, vectors and token states.

pub(crate) mod bm25;
mod cache;
pub(crate) mod dot;
mod filter;
mod scope_index;
mod states;
mod terms;
mod turn;
mod vectors;

pub(crate) use cache::{IndexCache, Loaded, ScopeCache, SharedIndex};
pub(crate) use scope_index::ScopeIndex;
pub(crate) use states::QuestionStates;
pub(crate) use terms::Count;
pub(crate) use turn::{Author, Chunk, STATEMENT_AUTHOR, Turn};
pub(crate) use vectors::Cosines;

#[cfg(test)]
pub(crate) use scope_index::tests;
