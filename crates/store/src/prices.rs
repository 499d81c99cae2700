//! The history of prices: one row for each change of what an endpoint asks, in every workspace.

use backstay_core::{Price, Result, Timestamp};
use serde::Serialize;

use crate::{
    Store,
    db::{Failure, Row, Session, statements, values},
    messages::to_json,
};

/// Rows that are written in one transaction, so that calls do not wait behind a whole catalogue.
const AT_ONCE: usize = 500;

/// What an endpoint asks from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceRecord {
    /// `provider/model`.
    pub endpoint: String,
    pub recorded_at: Timestamp,
    /// `None` when it is not known any more.
    pub price: Option<Price>,
    /// Who says so.
    pub source: String,
    /// The day for which the source says it, as `2026-11-10`.
    pub as_of: Option<String>,
}

statements! {
    NEWEST = "SELECT endpoint, recorded_at, price, source, as_of FROM prices
        WHERE endpoint = $1 ORDER BY recorded_at DESC LIMIT 1";
    /// Two changes within a microsecond are one.
    RECORD = "INSERT INTO prices (endpoint, recorded_at, price, source, as_of)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (endpoint, recorded_at) DO UPDATE SET
            price = excluded.price, source = excluded.source, as_of = excluded.as_of";
    HISTORY = "SELECT endpoint, recorded_at, price, source, as_of FROM prices
        WHERE endpoint = $1 ORDER BY recorded_at DESC LIMIT $2";
}

impl Store {
    /// Records those prices that differ from the endpoint's newest; how many did. What was recorded
    /// before stays.
    pub async fn record_prices(&self, prices: Vec<PriceRecord>) -> Result<usize> {
        let mut changed = 0;
        for part in prices.chunks(AT_ONCE).map(<[PriceRecord]>::to_vec) {
            changed += self
                .write(move |session| {
                    part.iter().try_fold(0, |sum, price| Ok(sum + record(session, price)?))
                })
                .await?;
        }
        Ok(changed)
    }

    /// Newest first.
    pub async fn price_history(&self, endpoint: &str, limit: u32) -> Result<Vec<PriceRecord>> {
        let endpoint = endpoint.to_owned();
        self.read(move |session| session.all(HISTORY, values![&endpoint, limit], price_record))
            .await
    }
}

fn record(session: &Session<'_>, price: &PriceRecord) -> Result<usize, Failure> {
    let newest = session.one(NEWEST, values![&price.endpoint], price_record)?;
    let known = newest.as_ref().and_then(|newest| newest.price.as_ref());
    // A price that was never known is no change.
    if known == price.price.as_ref() {
        return Ok(0);
    }
    let json = price.price.as_ref().map(to_json).transpose()?;
    let values = values![
        &price.endpoint,
        price.recorded_at,
        json.as_deref(),
        &price.source,
        price.as_of.as_deref()
    ];
    session.execute(RECORD, values)
}

fn price_record(row: &Row<'_>) -> Result<PriceRecord, Failure> {
    Ok(PriceRecord {
        endpoint: row.get(0)?,
        recorded_at: row.get(1)?,
        price: row.json(2)?,
        source: row.get(3)?,
        as_of: row.get(4)?,
    })
}
