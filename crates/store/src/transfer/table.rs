//! A table as both stores have it, and the statements that read and write it.

use backstay_core::{Error, ErrorCode, Result};

use crate::db::{Db, Failure, Reach, Row, Session, Statement, Value, statements, values};

/// Every table of an installation, those that others refer to first. What nodes are running belongs to
/// a place, not to an installation, and each store has its own list of migrations.
pub const TABLES: &[&str] = &[
    "workspaces",
    "api_keys",
    "rate_use",
    "device_logins",
    "assistants",
    "threads",
    "messages",
    "runs",
    "memory_operations",
    "history_summaries",
    "scopes",
    "episodes",
    "episode_vectors",
    "generations",
    "attempts",
    "statements",
    "statement_sources",
    "statement_vectors",
    "tombstones",
    "jobs",
    "learned",
    "summaries",
    "policies",
    "prices",
    "model_lists",
    "responses",
    "budgets",
    "spending",
    "budget_slices",
    "reservations",
    "idempotency",
    "response_cache",
    "documents",
    "document_chunks",
    "chunk_vectors",
];

/// Which node has begun a row, or makes its vector now, is known where there are several.
const OF_NODES: [&str; 2] = ["node", "claimed_until"];

statements! {
    COLUMNS = "SELECT name FROM pragma_table_info($1) ORDER BY name",
        postgres: "SELECT CAST(column_name AS TEXT) COLLATE \"C\" AS name
            FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = CAST($1 AS TEXT) ORDER BY name";
    /// PostgreSQL takes a comparison of whole keys for one of their first columns, the workspaces, expects a
    /// row or two, and would at each page sort all that follows in a table which is kept by month.
    BY_INDEX = "SELECT 1", postgres: "SELECT CAST(set_config('enable_sort', 'off', TRUE) AS TEXT)";
    KEY = "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
        postgres: "SELECT CAST(a.attname AS TEXT)
            FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
            WHERE i.indisprimary AND i.indrelid = CAST(CAST($1 AS TEXT) AS regclass)
            ORDER BY array_position(i.indkey, a.attnum)";
}

/// Rows of one statement, so that a database is not waited for at each. Of the widest table they have
/// fewer values than either store takes.
const ROWS_OF_INSERT: usize = 50;

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

pub(crate) struct Table {
    name: &'static str,
    columns: usize,
    /// Which columns order the rows.
    key: Vec<usize>,
    first_page: Statement,
    next_page: Statement,
    /// Of one row, and of [`ROWS_OF_INSERT`].
    insert: Statement,
    insert_some: Statement,
}

impl Table {
    /// Fails with `conflict` when the two stores do not keep the same of it.
    pub(crate) async fn of(name: &'static str, source: &Db, target: &Db) -> Result<Self> {
        let columns = names(source, COLUMNS, name).await?;
        if columns != names(target, COLUMNS, name).await? {
            let message = format!("the two stores have different columns in {name}");
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let key = names(source, KEY, name).await?;
        let place = |column: &String| columns.iter().position(|other| other == column);
        let key_places: Option<Vec<usize>> = key.iter().map(place).collect();
        let key_places = key_places.filter(|places| !places.is_empty());
        let key_places =
            key_places.ok_or_else(|| Error::internal(format!("{name} has no primary key")))?;
        let (all, by) = (columns.join(", "), key.join(", "));
        let after = parameters(0, key.len());
        let limit = key.len() + 1;
        Ok(Self {
            name,
            columns: columns.len(),
            key: key_places,
            first_page: made(format!("SELECT {all} FROM {name} ORDER BY {by} LIMIT $1")),
            next_page: made(format!(
                "SELECT {all} FROM {name} WHERE ({by}) > ({after}) ORDER BY {by} LIMIT ${limit}"
            )),
            insert: made(insert(name, &columns, 1)),
            insert_some: made(insert(name, &columns, ROWS_OF_INSERT)),
        })
    }

    /// What finds the rows of a page.
    #[cfg(test)]
    pub(crate) fn page_statements(&self) -> [Statement; 2] {
        [BY_INDEX, self.next_page]
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn key_of(&self, row: &[Cell]) -> Vec<Cell> {
        self.key.iter().filter_map(|place| row.get(*place)).cloned().collect()
    }

    /// Rows that follow the one with the given key, in the order of their keys.
    pub(super) async fn page(
        &self,
        db: &Db,
        after: Option<Vec<Cell>>,
        limit: usize,
    ) -> Result<Vec<Vec<Cell>>> {
        let columns = self.columns;
        let statement = if after.is_some() { self.next_page } else { self.first_page };
        db.read(Reach::Installation, move |session| {
            let key = after.unwrap_or_default();
            let mut values: Vec<Value<'_>> = key.iter().map(Value::from).collect();
            values.push(Value::from(limit));
            session.one(BY_INDEX, &[], |_| Ok(()))?;
            session.all(statement, &values, |row| cells(row, columns))
        })
        .await
    }

    pub(super) async fn write(&self, db: &Db, rows: Vec<Vec<Cell>>) -> Result<()> {
        let (one, some) = (self.insert, self.insert_some);
        let unit = move |session: &Session<'_>| {
            let (together, alone) = rows.as_chunks::<ROWS_OF_INSERT>();
            for rows in together {
                let values: Vec<Value<'_>> = rows.iter().flatten().map(Value::from).collect();
                session.execute(some, &values)?;
            }
            for row in alone {
                let values: Vec<Value<'_>> = row.iter().map(Value::from).collect();
                session.execute(one, &values)?;
            }
            Ok(())
        };
        db.write(Reach::Installation, unit).await
    }
}

impl<'a> From<&'a Cell> for Value<'a> {
    fn from(cell: &'a Cell) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(integer) => Self::Integer(*integer),
            Cell::Text(text) => Self::Text(text),
            Cell::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

fn cells(row: &Row<'_>, columns: usize) -> Result<Vec<Cell>, Failure> {
    let cell = |index| {
        Ok(match row.value(index)? {
            Value::Null => Cell::Null,
            Value::Integer(integer) => Cell::Integer(integer),
            Value::Text(text) => Cell::Text(text.to_owned()),
            Value::Blob(bytes) => Cell::Blob(bytes.to_vec()),
        })
    };
    (0..columns).map(cell).collect()
}

async fn names(db: &Db, statement: Statement, table: &'static str) -> Result<Vec<String>> {
    let names = db.read(Reach::Installation, move |session| {
        session.all(statement, values![table], |row| row.get::<String>(0))
    });
    Ok(names.await?.into_iter().filter(|name| !OF_NODES.contains(&name.as_str())).collect())
}

fn insert(name: &str, columns: &[String], rows: usize) -> String {
    let row = |number| format!("({})", parameters(number * columns.len(), columns.len()));
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO {name} ({}) VALUES {}", columns.join(", "), rows.join(", "))
}

/// So many, after so many others.
fn parameters(after: usize, count: usize) -> String {
    let numbered: Vec<String> =
        (after + 1..=after + count).map(|number| format!("${number}")).collect();
    numbered.join(", ")
}

/// A statement whose text is known only now. It stays until the process ends, as a command's may.
fn made(text: String) -> Statement {
    crate::db::sql(text.leak())
}
