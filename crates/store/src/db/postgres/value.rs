//! Values in PostgreSQL's binary form.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::db::Value;

type Refused = Box<dyn Error + Sync + Send>;

/// What stands for a character that PostgreSQL cannot keep in a text.
const REPLACEMENT: &str = "\u{fffd}";

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Refused> {
        match (*self, kind) {
            (Self::Null, _) => return Ok(IsNull::Yes),
            (Self::Integer(integer), &Type::INT8) => out.put_i64(integer),
            (Self::Integer(integer), &Type::INT4) => out.put_i32(integer.try_into()?),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR) => {
                let mut parts = text.split('\0');
                out.put_slice(parts.next().unwrap_or_default().as_bytes());
                for part in parts {
                    out.put_slice(REPLACEMENT.as_bytes());
                    out.put_slice(part.as_bytes());
                }
            }
            (Self::Blob(bytes), &Type::BYTEA) => out.put_slice(bytes),
            (value, kind) => return Err(format!("a {kind} was expected, not {value:?}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Refused> {
        Ok(match *kind {
            Type::BOOL => Self::Integer(i64::from(bool::from_sql(kind, raw)?)),
            Type::INT4 => Self::Integer(i64::from(i32::from_sql(kind, raw)?)),
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Refused> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [Type::BOOL, Type::INT4, Type::INT8, Type::BYTEA, Type::TEXT, Type::VARCHAR].contains(kind)
    }
}

/// The column's value; `None` for one of a type that nothing here is stored as.
pub(in crate::db) fn value(row: &tokio_postgres::Row, index: usize) -> Option<Value<'_>> {
    row.try_get(index).ok()
}

pub(in crate::db) fn column_name(row: &tokio_postgres::Row, index: usize) -> &str {
    row.columns().get(index).map_or("?", tokio_postgres::Column::name)
}
