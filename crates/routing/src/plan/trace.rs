//! How an endpoint was chosen, for whoever asks.

use backstay_core::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Removal, Strategy};
use crate::{Attempt, health::HealthReport};

/// Everything that a choice was made of. Dollars are decimal text, times milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RouterTrace {
    /// The request's model, then its fallbacks.
    pub requested: Vec<String>,
    /// Names among them that nothing serves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    pub strategy: Strategy,
    /// In the order in which they are tried; those that were removed come after.
    pub candidates: Vec<CandidateTrace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<AffinityTrace>,
    /// Preferences that are left to a provider which passes the call on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_on: Vec<String>,
    /// Empty when nothing was called.
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CandidateTrace {
    /// `provider/model`.
    pub endpoint: String,
    /// Which of the requested names it serves.
    pub requested: String,
    /// From 1; `None` when it is not tried.
    pub place: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removal>,
    /// Of this prompt with an answer of usual length. `None` when the price is unknown, or there was
    /// nothing to compare it with.
    pub expected_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_slower_than_preferred: Option<bool>,
    pub health: HealthReport,
}

/// What became of a warm prompt cache.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AffinityTrace {
    pub endpoint: String,
    pub warm_tokens: u64,
    /// What reading the prompt anew elsewhere costs more.
    pub cost_of_leaving: Option<Money>,
    pub is_kept: bool,
    pub reason: &'static str,
}
