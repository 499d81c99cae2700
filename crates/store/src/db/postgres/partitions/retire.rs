//! Dropping a month's tables when retention is done with it.

use backstay_core::Timestamp;
use tokio_postgres::{Client, Error};

use super::{
    ATTEMPTS, BE_OWNER, EPISODES, GENERATIONS, Month, Parted, SEE_ALL, VECTORS, begin, end, finds,
    is_there,
};
use crate::db::Ended;

const PARTITIONS: &str = "SELECT CAST(child.relname AS TEXT)
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = to_regclass($1) ORDER BY 1";

/// Tables whose rows go with rows of another, such as the graphs over vectors.
const RESTING_ON: &str = "SELECT CAST(conrelid::regclass AS TEXT) FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND confrelid = to_regclass($1)";

/// What was dropped.
pub(super) async fn months(client: &Client, ended: Ended) -> Result<Vec<String>, Error> {
    let mut dropped = Vec::new();
    if let Some(before) = ended.ledger {
        for month in over(client, GENERATIONS, before).await? {
            dropped.extend(drop_ledger(client, &month).await?);
        }
    }
    if let Some(before) = ended.episodes {
        for month in over(client, VECTORS, before).await? {
            let late = before.micros().saturating_add(Ended::LATE_MICROS);
            dropped.extend(drop_vectors(client, &month, late).await?);
        }
        for month in over(client, EPISODES, before).await? {
            dropped.extend(drop_episodes(client, &month).await?);
        }
    }
    Ok(dropped)
}

/// Months of a table that ended before a moment.
async fn over(client: &Client, parted: Parted, before: Timestamp) -> Result<Vec<Month>, Error> {
    let prefix = parted.partition_prefix();
    let rows = client.query(PARTITIONS, &[&parted.table]).await?;
    let mut months = Vec::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        let month = name.strip_prefix(&prefix).and_then(Month::from_label);
        months.extend(month.filter(|month| month.ends_at <= before));
    }
    Ok(months)
}

/// Calls and their attempts, unless one is still open.
async fn drop_ledger(client: &Client, month: &Month) -> Result<Vec<String>, Error> {
    let calls = GENERATIONS.partition(month);
    let open = format!("SELECT 1 FROM {calls} WHERE status = 'pending' LIMIT 1");
    drop_unless(client, &[GENERATIONS, ATTEMPTS], month, &open).await
}

/// By far the most of what a month of episodes takes goes at once, before the episodes themselves are
/// forgotten one by one; unless one of them is to stay.
async fn drop_vectors(client: &Client, month: &Month, late: i64) -> Result<Vec<String>, Error> {
    let episodes = EPISODES.partition(month);
    if !is_there(client, &episodes).await? {
        return drop_unless(client, &[VECTORS], month, "SELECT 1 WHERE false").await;
    }
    let staying = format!("SELECT 1 FROM {episodes} WHERE recorded_at >= {late} LIMIT 1");
    drop_unless(client, &[VECTORS], month, &staying).await
}

/// When all of them are forgotten, with what was made of them.
async fn drop_episodes(client: &Client, month: &Month) -> Result<Vec<String>, Error> {
    let any = format!("SELECT 1 FROM {} LIMIT 1", EPISODES.partition(month));
    drop_unless(client, &[EPISODES], month, &any).await
}

async fn drop_unless(
    client: &Client,
    tables: &[Parted],
    month: &Month,
    reason: &str,
) -> Result<Vec<String>, Error> {
    begin(client).await?;
    let outcome = drop_now(client, tables, month, reason).await;
    end(client, outcome).await
}

async fn drop_now(
    client: &Client,
    tables: &[Parted],
    month: &Month,
    reason: &str,
) -> Result<Vec<String>, Error> {
    let mut left = Vec::new();
    for parted in tables {
        if is_there(client, &parted.partition(month)).await? {
            left.push(*parted);
        }
    }
    // Looked at without a lock first, so that nobody waits for a month that stays, or went meanwhile.
    if left.is_empty() || finds(client, reason).await? {
        return Ok(Vec::new());
    }
    for parted in &left {
        delete_what_rests_on(client, *parted, month).await?;
    }
    for parted in &left {
        let locking = format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", parted.table);
        client.batch_execute(&locking).await?;
    }
    if finds(client, reason).await? {
        return Ok(Vec::new());
    }
    let mut dropped = Vec::new();
    for parted in left {
        let partition = parted.partition(month);
        let dropping = format!(
            "ALTER TABLE {} DETACH PARTITION {partition}; DROP TABLE {partition}",
            parted.table
        );
        client.batch_execute(&dropping).await?;
        dropped.push(partition);
    }
    Ok(dropped)
}

/// PostgreSQL lets go of a partition only when no row refers to it.
async fn delete_what_rests_on(client: &Client, parted: Parted, month: &Month) -> Result<(), Error> {
    let (first, next) = month.bounds(parted.kind);
    let resting = client.query(RESTING_ON, &[&parted.table]).await?;
    client.batch_execute(SEE_ALL).await?;
    for row in resting {
        let table: String = row.try_get(0)?;
        let deleting =
            format!("DELETE FROM {table} WHERE episode >= '{first}' AND episode < '{next}'");
        client.batch_execute(&deleting).await?;
    }
    client.batch_execute(BE_OWNER).await
}
