//! The queue of what waits for a vector: rows of a table of vectors that are of another model than the
//! wanted one, or of none. Turns, statements and chunks wait in the same way, each in its own table.

use backstay_core::Result;

use crate::{
    Store,
    db::{Failure, Row, Session, Statement, values},
};

/// Rows that one call for work returns at most.
const BATCH_MAX: usize = 1_000;

/// Takes at most `$3` of what has no vector of the model `$1` and revision `$2`. `table` holds the vectors,
/// as `v`, and each has a row there by `key` from the beginning: the one that `first` describes, where it can
/// have several. `texts` are the tables, `joined` to it, in which that is of which `shown` is read.
///
/// Two ranges of the index by model stand for an inequality, which no index serves. SQLite keeps the order
/// of a cross join: workspace by workspace, as the index is sorted. Where several servers make vectors,
/// each row that is taken is for a minute no other's: one that takes longer may find that another made the
/// vectors too, and they are the same.
macro_rules! waiting {
    (sqlite, $($queue:tt)*) => {
        concat!(
            $crate::vector_queue::waiting!(@embedded "<", $($queue)*),
            " UNION ALL ",
            $crate::vector_queue::waiting!(@embedded ">", $($queue)*),
            " LIMIT $3"
        )
    };
    (postgres, $($queue:tt)*) => {
        concat!(
            "WITH earlier AS (",
            $crate::vector_queue::waiting!(@unclaimed "<", $($queue)*),
            "), later AS (",
            $crate::vector_queue::waiting!(@unclaimed ">", $($queue)*),
            "), due AS (SELECT * FROM earlier UNION ALL SELECT * FROM later LIMIT $3) ",
            $crate::vector_queue::waiting!(@claim $($queue)*)
        )
    };
    (@embedded $comparison:literal, table: $table:literal, key: [$($key:literal),+],
        $(first: $first:literal,)? texts: $texts:literal, joined: $joined:literal,
        shown: $shown:literal) => {
        concat!(
            "SELECT ", $shown, " FROM workspaces AS w CROSS JOIN ", $table, " AS v CROSS JOIN ", $texts,
            " WHERE v.workspace = w.id", $(" AND ", $first,)?
            " AND (v.model, v.revision) ", $comparison, " ($1, $2) AND ", $joined
        )
    };
    (@unclaimed $comparison:literal, table: $table:literal, key: [$($key:literal),+],
        $(first: $first:literal,)? texts: $texts:literal, joined: $joined:literal,
        shown: $shown:literal) => {
        concat!(
            "SELECT v.workspace", $(", v.", $key,)+
            " FROM workspaces AS w JOIN ", $table, " AS v ON v.workspace = w.id
            WHERE (v.model, v.revision) ", $comparison, " ($1, $2)", $(" AND ", $first,)?
            " AND v.claimed_until < database_clock() LIMIT $3 FOR UPDATE OF v SKIP LOCKED"
        )
    };
    (@claim table: $table:literal, key: [$($key:literal),+], $(first: $first:literal,)?
        texts: $texts:literal, joined: $joined:literal, shown: $shown:literal) => {
        concat!(
            "UPDATE ", $table, " AS v SET claimed_until = database_clock() + 60000000
            FROM due CROSS JOIN ", $texts,
            " WHERE v.workspace = due.workspace", $(" AND v.", $key, " = due.", $key,)+
            $(" AND ", $first,)? " AND ", $joined, " RETURNING ", $shown
        )
    };
}
pub(crate) use waiting;

impl Store {
    /// Work for this process, of any workspace: what a queue made by [`waiting`] gives, at most `limit` and
    /// at most 1,000 rows. Where others share the store they are its own for a minute.
    pub(crate) async fn take_waiting<T: Send + 'static>(
        &self,
        queue: Statement,
        (model, revision): (&str, &str),
        limit: usize,
        read: fn(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>> {
        let (model, revision) = (model.to_owned(), revision.to_owned());
        let work = move |session: &Session<'_>| {
            session.all(queue, values![&model, &revision, limit.min(BATCH_MAX)], read)
        };
        if self.is_shared() { self.write_beside(work).await } else { self.read(work).await }
    }
}
