//! Making a month's tables.

use backstay_core::Timestamp;
use tokio_postgres::{Client, Error, error::SqlState};

use super::{ALL, Month, Parted, begin, end, finds, is_there};
use crate::db::postgres::migrate::PROTECT;

/// The months from a moment to the one after now, where nothing is written meanwhile: PostgreSQL refuses
/// a row that was on its way to the default partition when its month came in between.
pub(super) async fn months(client: &Client, from: Timestamp, now: Timestamp) -> Result<(), Error> {
    for month in Month::between(from, now) {
        for parted in ALL {
            if !is_there(client, &parted.partition(&month)).await? {
                begin(client).await?;
                let outcome = make_if_nothing_is_kept_apart(client, parted, &month).await;
                end(client, outcome).await?;
            }
        }
    }
    next(client, now).await
}

/// The month that comes, of which there are no rows yet.
pub(super) async fn next(client: &Client, now: Timestamp) -> Result<(), Error> {
    let month = Month::of(now).next();
    for parted in ALL {
        if !is_there(client, &parted.partition(&month)).await? {
            make_ahead(client, parted, &month).await?;
        }
    }
    Ok(())
}

/// A month that has begun and of which rows may be in the default partition stays there with them:
/// moving them would hold everything up.
async fn make_if_nothing_is_kept_apart(
    client: &Client,
    parted: Parted,
    month: &Month,
) -> Result<(), Error> {
    client.batch_execute(&locks(parted)).await?;
    let default = parted.default();
    client.batch_execute(&allow_again(&default, month)).await?;
    let any = format!("SELECT 1 FROM {default} LIMIT 1");
    if is_there(client, &parted.partition(month)).await? || finds(client, &any).await? {
        return Ok(());
    }
    client.batch_execute(&attach(parted, month)).await
}

/// PostgreSQL has to know that the default partition has nothing of the month. It reads that partition
/// for it, which may be large, while rows are read and written as ever.
async fn make_ahead(client: &Client, parted: Parted, month: &Month) -> Result<(), Error> {
    let (default, key) = (parted.default(), parted.key);
    let rule = rule(month);
    let (first, next) = month.bounds(parted.kind);
    let steps = [
        format!(
            "ALTER TABLE {default} DROP CONSTRAINT IF EXISTS {rule},
                ADD CONSTRAINT {rule} CHECK ({key} < '{first}' OR {key} >= '{next}') NOT VALID"
        ),
        format!("ALTER TABLE {default} VALIDATE CONSTRAINT {rule}"),
        [locks(parted), attach(parted, month), allow_again(&default, month)].join(";\n"),
    ];
    for step in steps {
        match carry_out(client, parted, month, &step).await {
            Err(cause) if cause.code() == Some(&SqlState::CHECK_VIOLATION) => {
                tracing::debug!(table = default, month = month.label(), "the month stays in here");
                return carry_out(client, parted, month, &allow_again(&default, month)).await;
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// One step: the statements, all or none, unless another server has made the month.
async fn carry_out(
    client: &Client,
    parted: Parted,
    month: &Month,
    statements: &str,
) -> Result<(), Error> {
    begin(client).await?;
    let outcome = match is_there(client, &parted.partition(month)).await {
        Ok(false) => client.batch_execute(statements).await,
        other => other.map(drop),
    };
    end(client, outcome).await
}

fn rule(month: &Month) -> String {
    format!("nothing_of_{}", month.label())
}

fn allow_again(default: &str, month: &Month) -> String {
    format!("ALTER TABLE {default} DROP CONSTRAINT IF EXISTS {}", rule(month))
}

/// In the order in which writers take them, so that no two wait for each other.
fn locks(parted: Parted) -> String {
    let referenced = match parted.table {
        "generations" => "LOCK TABLE workspaces IN SHARE ROW EXCLUSIVE MODE; ",
        "episodes" => "LOCK TABLE threads, scopes IN SHARE ROW EXCLUSIVE MODE; ",
        _ => "",
    };
    let (table, default) = (parted.table, parted.default());
    format!(
        "{referenced}LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE;
         LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE"
    )
}

/// Indexes and references come with being attached, protection does not.
fn attach(parted: Parted, month: &Month) -> String {
    let (table, partition) = (parted.table, parted.partition(month));
    let (first, next) = month.bounds(parted.kind);
    format!(
        "CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS
            INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION);
         {PROTECT};
         ALTER TABLE {table} ATTACH PARTITION {partition}
            FOR VALUES FROM ('{first}') TO ('{next}')"
    )
}
