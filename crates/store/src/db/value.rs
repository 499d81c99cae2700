//! What statements are given and what their rows hold: borrowed values in the few types that every
//! dialect stores alike.

use backstay_core::{
    AssistantId, BudgetPeriod, DocumentId, EpisodeId, ErrorCode, GenerationId, JobId, KeyId,
    MemoryId, MemoryOperationId, MessageId, Money, Name, RequestId, RunId, SliceId, ThreadId,
    Timestamp, WhenStoreIsAway, WorkspaceId,
    chat::{Role, SettlementStatus},
    document::DocumentStatus,
    memory::{Confidence, MemoryKind, RecalledId, Speaker, Trust},
};

use super::code::Coded;
use crate::{jobs::JobState, runs::RunState};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// An array of [`Value`]s from anything that becomes one.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}
pub(crate) use values;

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Blob(bytes)
    }
}

impl From<i64> for Value<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

/// Counts: none comes near `i64::MAX`, and one that did is stored as the largest there is.
impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(moment.micros())
    }
}

impl From<Money> for Value<'_> {
    fn from(money: Money) -> Self {
        Self::Integer(money.picodollars())
    }
}

impl From<Confidence> for Value<'_> {
    fn from(confidence: Confidence) -> Self {
        Self::Integer(i64::from(confidence.as_percent()))
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Value<'_> {
            fn from(integer: $integer) -> Self {
                Self::Integer(i64::from(integer))
            }
        }
    )*};
}
integers!(bool u16 u32);

macro_rules! named {
    ($($name:ty)*) => {$(
        impl<'a> From<&'a $name> for Value<'a> {
            fn from(name: &'a $name) -> Self {
                Self::Text(name.as_str())
            }
        }
    )*};
}
named! {
    AssistantId DocumentId EpisodeId GenerationId JobId KeyId MemoryId MemoryOperationId MessageId
    RecalledId RequestId RunId SliceId ThreadId WorkspaceId Name
}

macro_rules! coded {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Value<'_> {
            fn from(kind: $kind) -> Self {
                Self::Text(kind.code())
            }
        }
    )*};
}
coded! {
    BudgetPeriod DocumentStatus ErrorCode JobState MemoryKind Role RunState SettlementStatus Speaker
    Trust WhenStoreIsAway
}
