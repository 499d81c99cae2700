//! What statements return: a view of one row that knows the types of the domain.

use backstay_core::{
    AssistantId, BudgetPeriod, DocumentId, EpisodeId, Error, ErrorCode, GenerationId, JobId, KeyId,
    MemoryId, MemoryOperationId, MessageId, Money, Name, RequestId, RunId, SliceId, ThreadId,
    Timestamp, WhenStoreIsAway, WorkspaceId,
    chat::SettlementStatus,
    document::DocumentStatus,
    memory::{Confidence, MemoryKind, RecalledId, Speaker, Trust},
};

use super::{Failure, Value, code::Coded, postgres, sqlite};
use crate::{jobs::JobState, runs::RunState};

/// One row of an answer, valid until the next is read.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The column as a domain value. A column that cannot be one was not written by this program:
    /// an internal error that names the column.
    pub(crate) fn get<T: FromColumn>(&self, index: usize) -> Result<T, Failure> {
        T::from_column(self.value(index)?).ok_or_else(|| self.unreadable(index))
    }

    pub(crate) fn is_null(&self, index: usize) -> Result<bool, Failure> {
        Ok(matches!(self.value(index)?, Value::Null))
    }

    /// The bytes of a column, not copied.
    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8], Failure> {
        match self.value(index)? {
            Value::Blob(bytes) => Ok(bytes),
            _ => Err(self.unreadable(index)),
        }
    }

    /// A column that holds JSON; `None` when it is null.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        index: usize,
    ) -> Result<Option<T>, Failure> {
        let text = match self.value(index)? {
            Value::Null => return Ok(None),
            Value::Text(text) => text,
            _ => return Err(self.unreadable(index)),
        };
        serde_json::from_str(text).map(Some).map_err(|cause| {
            Error::internal(format!("stored JSON is not readable: {cause}")).into()
        })
    }

    pub(crate) fn value(&self, index: usize) -> Result<Value<'_>, Failure> {
        let value = match self {
            Self::Sqlite(row) => sqlite::value(row, index)?,
            Self::Postgres(row) => postgres::value(row, index),
        };
        value.ok_or_else(|| self.unreadable(index))
    }

    fn unreadable(&self, index: usize) -> Failure {
        let column = match self {
            Self::Sqlite(row) => sqlite::column_name(row, index),
            Self::Postgres(row) => postgres::column_name(row, index),
        };
        Error::internal(format!("column {column} holds a value that this version does not know"))
            .into()
    }
}

/// Types that a column can be read as.
pub(crate) trait FromColumn: Sized {
    /// `None` when the column holds something else.
    fn from_column(column: Value<'_>) -> Option<Self>;
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Value<'_>) -> Option<Self> {
        match column {
            Value::Null => Some(None),
            other => T::from_column(other).map(Some),
        }
    }
}

fn text(column: Value<'_>) -> Option<&str> {
    match column {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

impl FromColumn for i64 {
    fn from_column(column: Value<'_>) -> Option<Self> {
        match column {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }
}

impl FromColumn for bool {
    fn from_column(column: Value<'_>) -> Option<Self> {
        i64::from_column(column).map(|flag| flag != 0)
    }
}

impl FromColumn for String {
    fn from_column(column: Value<'_>) -> Option<Self> {
        text(column).map(str::to_owned)
    }
}

impl FromColumn for Timestamp {
    fn from_column(column: Value<'_>) -> Option<Self> {
        i64::from_column(column).map(Self::from_micros)
    }
}

impl FromColumn for Money {
    fn from_column(column: Value<'_>) -> Option<Self> {
        i64::from_column(column).map(Self::from_picodollars)
    }
}

impl FromColumn for Confidence {
    fn from_column(column: Value<'_>) -> Option<Self> {
        let percent = u8::try_from(i64::from_column(column)?).ok()?;
        Self::percent(percent)
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl FromColumn for $integer {
            fn from_column(column: Value<'_>) -> Option<Self> {
                i64::from_column(column).and_then(|integer| Self::try_from(integer).ok())
            }
        }
    )*};
}
integers!(u16 u32 u64);

macro_rules! named {
    ($($name:ty)*) => {$(
        impl FromColumn for $name {
            fn from_column(column: Value<'_>) -> Option<Self> {
                text(column).and_then(Self::parse)
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
        impl FromColumn for $kind {
            fn from_column(column: Value<'_>) -> Option<Self> {
                text(column).and_then(Self::from_code)
            }
        }
    )*};
}
coded! {
    BudgetPeriod DocumentStatus ErrorCode JobState MemoryKind RunState SettlementStatus Speaker
    Trust WhenStoreIsAway
}
