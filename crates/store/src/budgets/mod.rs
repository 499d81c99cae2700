//! What may be spent: budgets of keys and of workspaces, and how much of each is gone.
//!
//! A call under a budget reserves its worst case in the transaction that records its intent, and
//! the transaction that settles it puts the real cost in place of the reservation. So what is spent
//! and reserved together never exceeds a limit, whoever calls at the same time. Keys and workspaces
//! without a budget have no rows here and cost no statement.

mod manage;
mod reserve;
mod settle;

use backstay_core::{BudgetPeriod, KeyId, Money, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::SettledAttempt;

pub(crate) use manage::{remove_all, set};
pub(crate) use reserve::reserve;
pub(crate) use settle::{Reserved, lost, move_to_spent, take_reservation};

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] =
    &[manage::ALL, reserve::ALL, settle::ALL];

/// What stands for the whole workspace where a key's id could be.
const WORKSPACE: &str = "";

/// What a call may cost at most, set aside before it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    /// Zero where the price is unknown and the caller's key allows that.
    pub amount: Money,
    /// What is charged should the process die before the call is settled.
    pub if_lost: SettledAttempt,
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
