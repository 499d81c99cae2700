//! What may be spent: budgets of keys and of workspaces, and how much of each is gone.
//!
//! A call under a budget reserves its worst case in the transaction that records its intent, and
//! the transaction that settles it puts the real cost in place of the reservation. So what is spent
//! and reserved together never exceeds a limit, whoever calls at the same time. Keys and workspaces
//! without a budget have no rows here and cost no statement.
//!
//! Nodes that share a store need not all change those rows for each call: see [`slices`].

mod manage;
mod reserve;
mod settle;
pub(crate) mod slices;
mod spending;

use backstay_core::{BudgetPeriod, KeyId, Money, SliceId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SettledAttempt;

pub(crate) use manage::{remove_all, set};
pub(crate) use reserve::{Caller, may_be_freed, reserve};
pub(crate) use settle::{LostCall, lost, settle};
pub use slices::SliceGrant;

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] =
    &[manage::ALL, reserve::ALL, settle::ALL, slices::ALL, spending::ALL];

/// What stands for the whole workspace where a key's id could be.
const WORKSPACE: &str = "";

/// What a call may cost at most, set aside before it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    /// Zero where the price is unknown and the caller's key allows that.
    pub amount: Money,
    pub from: ReserveFrom,
    /// What is charged should the process die before the call is settled.
    pub if_lost: SettledAttempt,
}

/// Where a reservation is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReserveFrom {
    /// In the rows of the call's budgets.
    #[default]
    Budgets,
    /// There as well, with something on top for the calls that follow: for a slice, or for a new one
    /// where there is none of that name any more.
    BudgetsForMore { slice: Option<SliceId>, otherwise: SliceId, spare: Money },
    /// In a slice of which the caller knows that there is enough left.
    Slice(SliceId),
}

/// Where a call's reservation is when the call ends. One in a slice may have gone over into the rows of
/// the budgets meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reserved {
    #[default]
    Nothing,
    InBudgets,
    InSlice,
}

/// A budget and what is gone of it in its current period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BudgetRow {
    pub period: BudgetPeriod,
    pub limit: Money,
    pub spent: Money,
    /// What calls under way may still cost.
    pub reserved: Money,
    /// When the period ends; null for `total`.
    pub resets_at: Option<Timestamp>,
}

impl BudgetRow {
    /// What a new call may cost at most.
    pub fn remaining(&self) -> Money {
        let gone = self.spent.picodollars().saturating_add(self.reserved.picodollars());
        Money::from_picodollars(self.limit.picodollars().saturating_sub(gone).max(0))
    }
}

/// Whose budgets are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetOf<'a> {
    Key(&'a KeyId),
    Workspace,
}

impl BudgetOf<'_> {
    fn column(self) -> String {
        match self {
            Self::Key(key) => key.to_string(),
            Self::Workspace => WORKSPACE.to_owned(),
        }
    }
}

fn ends_at(end: Option<Timestamp>) -> Timestamp {
    end.unwrap_or(Timestamp::from_micros(i64::MAX))
}
