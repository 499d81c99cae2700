//! Recall: what a user's past says about a question.
//!
//! Every turn is kept word for word as an episode in the store; this crate finds the ones that bear
//! on a question and packs them into a token budget. It works by words and conversation structure
//! alone, and better with vectors, which follow in the background. Nothing here calls a language
//! model: [`learn`] says what to ask one, and what to make of its answer.
//!
//! The way of a question: [`analyse`] reads it, [`index`] holds the scope's turns in memory,
//! [`recall`] scores every turn and says why, [`pack`] fills the budget. [`Memory`] ties them to the
//! store.

mod absence;
mod analyse;
mod answer;
mod broad;
mod documents;
mod embed;
mod excerpt;
mod explanation;
mod index;
mod indexes;
mod large;
pub mod learn;
mod memory;
mod newest;
mod pack;
mod pending;
mod recall;
pub mod safety;
pub mod weights;

pub use analyse::terms;
pub use answer::{Recall, RecallOptions};
pub use documents::DocumentSearch;
pub use embed::{
    Embedder, EmbedderOptions, Embedding, EmbeddingModel, Embeddings, TokenStates, UpstreamEmbedder,
};
pub use explanation::{Explained, Explanation, Missing, MissingReason, Outcome, Part, Reading};
pub use memory::{EmbeddingsStatus, Memory, MemoryOptions};
pub use recall::{Evidence, Profile, RecallMode};
