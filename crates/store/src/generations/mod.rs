//! The ledger: one row per model call, and one per attempt at it.

mod begin;
mod late;
mod read;
mod record;
mod settle;
mod summary;

use backstay_core::{
    Charge, ChargeLine, ErrorCode, GenerationId, KeyId, Money, Name, Price, RequestId, ThreadId,
    Timestamp, Usage, chat::SettlementStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::budgets::{Reservation, Reserved, SliceGrant};

use begin::begin;
pub use read::Spent;
pub(crate) use record::redo;
pub(crate) use settle::settle;
pub use summary::{LedgerGroup, LedgerQuery, LedgerSum, SpentLately};

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] =
    &[begin::ALL, late::ALL, read::ALL, settle::ALL, summary::ALL];

/// The intent of a model call, recorded before anything is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewGeneration {
    pub id: GenerationId,
    pub request: RequestId,
    pub key: KeyId,
    pub requested_model: String,
    pub stream: bool,
    pub started_at: Timestamp,
    pub thread: Option<ThreadId>,
    pub assistant: Option<Name>,
    pub user: Option<Name>,
    /// Tokens of recalled memories in the prompt.
    pub memory_tokens: u64,
    /// For a caller with a budget: what is set aside, in the same transaction.
    #[serde(skip)]
    pub reservation: Option<Reservation>,
}

/// What became of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is recorded, with its reservation if it had one.
    Recorded,
    /// So it is, and its reservation is in a slice that has this on top.
    WithMore(SliceGrant),
    /// Nothing is recorded: the slice that was to be drawn on has been ended, or is of other periods than
    /// the call.
    SliceIsGone,
}

/// How a model call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledGeneration {
    pub id: GenerationId,
    pub status: SettlementStatus,
    pub provider: Option<String>,
    /// The provider's name for the model.
    pub model: Option<String>,
    pub finished_at: Timestamp,
    pub latency_ms: u64,
    /// `None` when no content came.
    pub first_token_ms: Option<u64>,
    /// `None` when nothing is known about it.
    pub usage: Option<Usage>,
    /// The price as it was when the call was made.
    pub price: Option<Price>,
    pub finish: Option<Finish>,
    pub error_code: Option<ErrorCode>,
    /// Request fields that the provider's wire format could not carry.
    pub dropped: Vec<String>,
    /// In the order in which they were made.
    pub attempts: Vec<SettledAttempt>,
    /// Only calls that reserved nothing are ever in a redo log.
    #[serde(skip)]
    pub reserved: Reserved,
    /// For an answer that was given again instead of being asked for.
    pub cached: Option<CachedFrom>,
}

/// Where an answer that was given again is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedFrom {
    pub generation: GenerationId,
    /// What that call had cost; `None` when that is unknown.
    pub saved: Option<Money>,
}

impl SettledGeneration {
    /// What the attempts cost together; `None` when the cost of one of them is unknown.
    pub fn cost(&self) -> Option<Money> {
        let charges = self.attempts.iter().filter_map(|attempt| attempt.charge.as_ref());
        let costs: Option<Vec<Money>> = charges.map(|charge| charge.cost).collect();
        costs.and_then(Money::sum)
    }
}

/// Why an answer ended, of its first choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own word where none of these
    /// fits.
    pub reason: String,
    /// The provider's own word, where it said one.
    pub native: Option<String>,
}

/// One try at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettledAttempt {
    pub provider: String,
    pub model: String,
    /// `None` when it began to answer.
    pub error_code: Option<ErrorCode>,
    pub http_status: Option<u16>,
    pub started_at: Timestamp,
    pub duration_ms: u64,
    /// `None` when the provider charges nothing for it.
    pub charge: Option<Charge>,
}

/// An attempt as it is read: with the arithmetic of its charge.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AttemptRow {
    #[serde(flatten)]
    pub attempt: SettledAttempt,
    /// They add up to the charge's cost; empty when that is unknown.
    pub lines: Vec<ChargeLine>,
}

impl From<SettledAttempt> for AttemptRow {
    fn from(attempt: SettledAttempt) -> Self {
        let lines = attempt.charge.as_ref().map(Charge::lines).unwrap_or_default();
        Self { attempt, lines }
    }
}

/// A model call as the ledger knows it. Everything after `started_at` up to `error_code` is unknown
/// while the call is open, and where it was cut off.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GenerationRow {
    pub id: GenerationId,
    pub request: RequestId,
    pub key: KeyId,
    pub status: SettlementStatus,
    pub requested_model: String,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub stream: bool,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub latency_ms: Option<u64>,
    pub first_token_ms: Option<u64>,
    /// Of the answer.
    pub usage: Option<Usage>,
    /// Of all attempts; null when the cost of one of them is unknown.
    pub cost: Option<Money>,
    pub price: Option<Price>,
    /// Why the answer ended: `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own
    /// word where none of these fits; null where it did not come to its end.
    pub finish_reason: Option<String>,
    /// The same in the provider's word.
    pub native_finish_reason: Option<String>,
    pub error_code: Option<ErrorCode>,
    pub thread: Option<ThreadId>,
    pub assistant: Option<Name>,
    pub user: Option<Name>,
    pub memory_tokens: u64,
    pub dropped: Vec<String>,
    /// Whether an earlier answer was given again instead of asking a model.
    pub cached: bool,
    /// The call that the cached answer was made in.
    pub cached_from: Option<GenerationId>,
    /// What the call that the cached answer was made in had cost; null when that is not known.
    pub saved: Option<Money>,
    /// Whether it was answered while the database was away, and entered when that was back.
    pub entered_late: bool,
    pub attempts: Vec<AttemptRow>,
}
