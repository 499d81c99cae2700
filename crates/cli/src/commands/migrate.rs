//! `backstay migrate`: moves a whole installation from one store to another.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use backstay_core::Secret;
use backstay_store::{MovedTable, PostgresOptions, Store, StoreOptions, TABLES};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{output::Output, terminal::table};

/// In place of a password in a URL.
const PASSWORD: &str = "BACKSTAY_STORE_PASSWORD";

/// Move a whole installation to another store: from a data folder to PostgreSQL, or back.
///
/// Stop every server of either store first. Everything is copied into the other store, which must be
/// empty, and then read from it again: counts and checksums of each table are compared. The store that
/// it comes from is not changed, so going back is starting the old server again.
#[derive(Args)]
pub(crate) struct Migrate {
    /// Where everything is now: `sqlite:FOLDER` or `postgres://USER@HOST/DATABASE`.
    #[arg(long, value_name = "STORE")]
    from: String,
    /// Where it goes: the same forms. A password may be in BACKSTAY_STORE_PASSWORD.
    #[arg(long, value_name = "STORE")]
    to: String,
}

impl Migrate {
    pub(crate) async fn run(self, output: Output) -> Result<ExitCode> {
        if let Some(folder) = self.from.strip_prefix("sqlite:")
            && !Path::new(folder).is_dir()
        {
            bail!("there is no folder {folder}; --data of the server says which it is");
        }
        let (from, to) = (options(&self.from)?, options(&self.to)?);
        let source = Store::open(from).await.context("the store to move from")?;
        let target = Store::open(to).await.context("the store to move to")?;
        let progress = match output.is_json() {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(TABLES.len() as u64),
        };
        progress.set_style(ProgressStyle::with_template("{bar:24} {pos}/{len} tables  {msg}")?);
        let moved = source.move_to(&target, |table, rows| {
            let position = TABLES.iter().position(|name| *name == table).unwrap_or_default();
            progress.set_position(position as u64);
            progress.set_message(format!("{table}: {rows} rows"));
        });
        let moved = moved.await;
        progress.finish_and_clear();
        source.close().await?;
        target.close().await?;
        let moved = moved?;
        output
            .show(&json!({"tables": moved.iter().map(row).collect::<Vec<_>>()}), |_| text(&moved));
        Ok(ExitCode::SUCCESS)
    }
}

fn options(place: &str) -> Result<StoreOptions> {
    if let Some(folder) = place.strip_prefix("sqlite:") {
        return Ok(StoreOptions::folder(folder));
    }
    if !place.starts_with("postgres://") && !place.starts_with("postgresql://") {
        // Not quoted: it may hold a password.
        bail!("a store is sqlite:FOLDER or postgres://USER@HOST/DATABASE");
    }
    let url = Secret::new(place).context("the store's URL is empty")?;
    let password = std::env::var(PASSWORD).ok().and_then(Secret::new);
    Ok(StoreOptions::Postgres(PostgresOptions { password, ..PostgresOptions::new(url) }))
}

fn row(moved: &MovedTable) -> serde_json::Value {
    json!({"table": moved.table, "rows": moved.rows, "sha256": moved.checksum})
}

fn text(moved: &[MovedTable]) -> String {
    let rows: Vec<Vec<String>> = moved
        .iter()
        .filter(|moved| moved.rows > 0)
        .map(|moved| {
            let MovedTable { table, rows, checksum } = moved;
            vec![(*table).to_owned(), rows.to_string(), checksum[..16].to_owned()]
        })
        .collect();
    let total: u64 = moved.iter().map(|moved| moved.rows).sum();
    let table = table(&["table", "rows", "checksum"], &rows);
    format!("{table}\n{total} rows, the same in both stores.")
}
