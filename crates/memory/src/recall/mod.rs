//! From a question to a ranked list of turns with reasons.

mod explain;
mod features;
mod profile;
mod rank;
mod relevance;

pub use profile::Profile;
pub use relevance::Evidence;
use explain::explain;
use features::{Feature, Features};
pub(crate) use rank::{Ranked, Ranking, rank, recalled};
