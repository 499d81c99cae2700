//! Statements: what is remembered beside the turns themselves, in versions of which none is
//! overwritten.
//!
//! Bi-temporal, as Snodgrass describes it: `valid` is when a statement holds in the world,
//! `recorded_at` to `retracted_at` is when Backstay believed it. At most one version of a statement
//! is believed now. A superseded statement ends with a version that has the end of its interval and
//! the name of what took its place, so that a question about the past still finds it.

mod apply;
mod change;
mod check;
mod history;
mod list;
mod read;
mod rows;

pub use change::{ChangeOutcome, Refusal, StatementChange};
pub use check::{
    QUOTE_BYTES_MAX, STATEMENT_BYTES_MAX, STATEMENT_CHANGES_MAX, STATEMENT_SOURCES_MAX,
    VERBATIM_BYTES_MAX,
};
pub use list::{StatementCounts, StatementFilter, StatementState};
pub use read::{ScopeStatements, StatementSet};

pub(crate) use apply::apply;
pub(crate) use check::{check, check_all, content_hash, tombstone};
pub(crate) use history::superseded_by;
pub(crate) use rows::{Version, await_vector, insert, versions};

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] =
    &[apply::ALL, history::ALL, list::ALL, read::ALL, rows::ALL];
