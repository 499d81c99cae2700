//! Moving a whole installation from one store to another, table by table, with what was written
//! compared with what was read.

mod compare;
mod table;

use backstay_core::{Error, ErrorCode, Result, Timestamp};

use self::compare::Checksum;
pub use self::table::TABLES;
pub(crate) use self::table::Table;
use crate::{
    Store,
    db::{Db, Reach, statements},
};

#[cfg(test)]
pub(crate) const AREAS: &[&[(&str, crate::db::Statement)]] = &[ALL, table::ALL];

/// Rows that are read, and written in one transaction, at a time.
const ROWS_AT_ONCE: usize = 200;

statements! {
    WORKSPACES = "SELECT count(*) FROM workspaces";
    /// The embedded store is locked by the process that has it open.
    OTHER_NODES = "SELECT 0",
        postgres: "SELECT count(*) FROM nodes WHERE NOT node_is_gone(id)
            AND id <> current_setting('backstay.node', true)";
    OLDEST = "SELECT min(moment) FROM (
        SELECT min(started_at) AS moment FROM generations
        UNION ALL SELECT min(recorded_at) FROM episodes) AS part";
}

/// A table that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    pub table: &'static str,
    pub rows: u64,
    /// SHA-256 of all its rows in the order of their keys, the same in both stores.
    pub checksum: String,
}

impl Store {
    /// Copies everything to an empty store, then reads the copy and compares counts and checksums.
    /// Nothing is changed here. `moved` is told the table and how many of its rows are written.
    ///
    /// # Errors
    /// `conflict` when the other store is not empty, when nodes still use this one, and when the copy
    /// is not the same. A copy that failed is not used: it has to be deleted.
    pub async fn move_to(
        &self,
        other: &Store,
        mut moved: impl FnMut(&'static str, u64) + Send,
    ) -> Result<Vec<MovedTable>> {
        ready(self.db(), other.db()).await?;
        if let Some(oldest) = oldest(self.db()).await? {
            other.db().make_months(oldest).await?;
        }
        let mut tables = Vec::with_capacity(TABLES.len());
        for name in TABLES {
            let table = Table::of(name, self.db(), other.db()).await?;
            let source = copy(&table, self.db(), other.db(), |rows| moved(name, rows)).await?;
            tables.push((table, source));
        }
        let mut report = Vec::with_capacity(tables.len());
        for (table, source) in tables {
            let (rows, checksum) = source.finish();
            let (copied, of_copy) = checksum_of(&table, other.db()).await?.finish();
            if (copied, &of_copy) != (rows, &checksum) {
                let message = format!(
                    "the copy of {} has {copied} rows with the checksum {of_copy}, not {rows} with \
                     {checksum}; delete the copy, and try again while nothing else uses either store",
                    table.name()
                );
                return Err(Error::new(ErrorCode::Conflict, message));
            }
            report.push(MovedTable { table: table.name(), rows, checksum });
        }
        Ok(report)
    }
}

async fn ready(source: &Db, target: &Db) -> Result<()> {
    let count = |db: &Db, statement| {
        let db = db.clone();
        async move {
            let count = db.read(Reach::Installation, move |session| {
                session.one(statement, &[], |row| row.get::<u64>(0))
            });
            count.await.map(Option::unwrap_or_default)
        }
    };
    let refused = |message| Err(Error::new(ErrorCode::Conflict, message));
    if count(target, WORKSPACES).await? > 0 {
        return refused(
            "the store to move to is not empty: give it a database or a folder of its own, and \
             delete what an earlier attempt left there",
        );
    }
    if count(source, OTHER_NODES).await? + count(target, OTHER_NODES).await? > 0 {
        return refused(
            "nodes still run on one of the stores: stop them first, or wait until the lease of one \
             that was killed has run out",
        );
    }
    Ok(())
}

/// When the first of what is kept by month was written.
async fn oldest(db: &Db) -> Result<Option<Timestamp>> {
    let oldest = db.read(Reach::Installation, |session| {
        session.one(OLDEST, &[], |row| row.get::<Option<Timestamp>>(0))
    });
    oldest.await.map(Option::flatten)
}

async fn copy(
    table: &Table,
    source: &Db,
    target: &Db,
    mut written: impl FnMut(u64),
) -> Result<Checksum> {
    let mut checksum = Checksum::default();
    let mut last = None;
    loop {
        let page = table.page(source, last.take(), ROWS_AT_ONCE).await?;
        page.iter().for_each(|row| checksum.add(row));
        let is_last = page.len() < ROWS_AT_ONCE;
        last = page.last().map(|row| table.key_of(row));
        table.write(target, page).await?;
        written(checksum.rows());
        if is_last {
            return Ok(checksum);
        }
    }
}

async fn checksum_of(table: &Table, db: &Db) -> Result<Checksum> {
    let mut checksum = Checksum::default();
    let mut last = None;
    loop {
        let page = table.page(db, last.take(), ROWS_AT_ONCE).await?;
        page.iter().for_each(|row| checksum.add(row));
        if page.len() < ROWS_AT_ONCE {
            return Ok(checksum);
        }
        last = page.last().map(|row| table.key_of(row));
    }
}
