//! From a question to a ranked list of turns with reasons.

mod candidates;
mod document_weights;
mod explain;
mod features;
mod links;
mod measure;
mod profile;
mod rank;
mod reading;
mod relevance;
mod weights;

pub(crate) use candidates::{AROUND, Choice, Chosen, Likely, WITH_NEIGHBOURS};
use explain::explain;
pub(crate) use features::Feature;
use features::Features;
pub use profile::{Profile, RecallMode};
#[cfg(test)]
pub(crate) use rank::rank;
pub(crate) use rank::{Fading, Lexical, Ranked, Ranking, rank_by, recalled};
pub(crate) use reading::{in_scope, is_of_asked_time, speakers};
pub use relevance::Evidence;
pub(crate) use relevance::has_own_evidence;
