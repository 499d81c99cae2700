//! What statements return: a view of one row that knows the types of the domain.

use backstay_core::{
    BudgetPeriod, EpisodeId, Error, ErrorCode, GenerationId, JobId, KeyId, MemoryId, MessageId,
    Money, Name, RequestId, ThreadId, Timestamp, WorkspaceId,
    chat::SettlementStatus,
    memory::{Confidence, MemoryKind, RecalledId, Speaker, Trust},
};
use rusqlite::types::ValueRef;

use super::{Failure, code::Coded};
use crate::jobs::JobState;

/// One row of an answer, valid until the next is read.
pub(crate) struct Row<'a>(pub(super) &'a rusqlite::Row<'a>);

impl Row<'_> {
    /// The column as a domain value. A column that cannot be one was not written by this program:
    /// an internal error that names the column.
    pub(crate) fn get<T: FromColumn>(&self, index: usize) -> Result<T, Failure> {
        let column = self.0.get_ref(index)?;
        T::from_column(column).ok_or_else(|| unreadable(self.0.as_ref().column_name(index)))
    }

    pub(crate) fn is_null(&self, index: usize) -> Result<bool, Failure> {
        Ok(matches!(self.0.get_ref(index)?, ValueRef::Null))
    }

    /// The bytes of a column, not copied.
    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8], Failure> {
        match self.0.get_ref(index)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(unreadable(self.0.as_ref().column_name(index))),
        }
    }

    /// A column that holds JSON; `None` when it is null.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        index: usize,
    ) -> Result<Option<T>, Failure> {
        let text = match self.0.get_ref(index)? {
            ValueRef::Null => return Ok(None),
            ValueRef::Text(text) => text,
            _ => return Err(unreadable(self.0.as_ref().column_name(index))),
        };
        serde_json::from_slice(text).map(Some).map_err(|cause| {
            Error::internal(format!("stored JSON is not readable: {cause}")).into()
        })
    }
}

fn unreadable(column: rusqlite::Result<&str>) -> Failure {
    let column = column.unwrap_or("?");
    Error::internal(format!("column {column} holds a value that this version does not know")).into()
}

/// Types that a column can be read as.
pub(crate) trait FromColumn: Sized {
    /// `None` when the column holds something else.
    fn from_column(column: ValueRef<'_>) -> Option<Self>;
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        match column {
            ValueRef::Null => Some(None),
            other => T::from_column(other).map(Some),
        }
    }
}

impl FromColumn for i64 {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        column.as_i64().ok()
    }
}

impl FromColumn for bool {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        i64::from_column(column).map(|flag| flag != 0)
    }
}

impl FromColumn for String {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        column.as_str().ok().map(str::to_owned)
    }
}

impl FromColumn for Timestamp {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        i64::from_column(column).map(Self::from_micros)
    }
}

impl FromColumn for Money {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        i64::from_column(column).map(Self::from_picodollars)
    }
}

impl FromColumn for Confidence {
    fn from_column(column: ValueRef<'_>) -> Option<Self> {
        let percent = u8::try_from(i64::from_column(column)?).ok()?;
        Self::percent(percent)
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl FromColumn for $integer {
            fn from_column(column: ValueRef<'_>) -> Option<Self> {
                i64::from_column(column).and_then(|integer| Self::try_from(integer).ok())
            }
        }
    )*};
}
integers!(u16 u32 u64);

macro_rules! named {
    ($($name:ty)*) => {$(
        impl FromColumn for $name {
            fn from_column(column: ValueRef<'_>) -> Option<Self> {
                column.as_str().ok().and_then(Self::parse)
            }
        }
    )*};
}
named! {
    EpisodeId GenerationId JobId KeyId MemoryId MessageId RecalledId RequestId ThreadId WorkspaceId
    Name
}

macro_rules! coded {
    ($($kind:ty)*) => {$(
        impl FromColumn for $kind {
            fn from_column(column: ValueRef<'_>) -> Option<Self> {
                column.as_str().ok().and_then(Self::from_code)
            }
        }
    )*};
}
coded!(BudgetPeriod ErrorCode JobState MemoryKind SettlementStatus Speaker Trust);
