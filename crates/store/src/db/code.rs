//! The words that stand for enumerations in the database. They never change once stored.

use backstay_core::{
    BudgetPeriod, ErrorCode, WhenStoreIsAway,
    chat::{Role, SettlementStatus},
    document::DocumentStatus,
    memory::{MemoryKind, Speaker, Trust},
};

use crate::{jobs::JobState, runs::RunState};

/// A kind of thing that is stored as a word.
pub(crate) trait Coded: Copy + 'static {
    const KINDS: &'static [Self];

    fn code(self) -> &'static str;

    fn from_code(code: &str) -> Option<Self> {
        Self::KINDS.iter().copied().find(|kind| kind.code() == code)
    }
}

impl Coded for SettlementStatus {
    const KINDS: &'static [Self] =
        &[Self::Pending, Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];

    fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Coded for Speaker {
    const KINDS: &'static [Self] = &[Self::User, Self::Assistant];

    fn code(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl Coded for Role {
    const KINDS: &'static [Self] = &[Self::System, Self::User, Self::Assistant, Self::Tool];

    fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

impl Coded for Trust {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for MemoryKind {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for DocumentStatus {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for BudgetPeriod {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for WhenStoreIsAway {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for JobState {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for RunState {
    const KINDS: &'static [Self] = &Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}

impl Coded for ErrorCode {
    const KINDS: &'static [Self] = Self::ALL;

    fn code(self) -> &'static str {
        self.as_str()
    }
}
