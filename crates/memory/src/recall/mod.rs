//! From a question to a ranked list of turns with reasons.

mod explain;
mod features;
mod profile;
mod rank;
mod relevance;

use explain::explain;
use features::{Feature, Features};
pub use profile::Profile;
pub(crate) use rank::{Ranked, Ranking, rank, recalled};
pub use relevance::Evidence;
