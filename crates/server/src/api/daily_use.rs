//! What was used on each day, by endpoint: dialects show it in their own words.

use backstay_core::{KeyId, Result, Timestamp};
use backstay_store::{LedgerGroup, LedgerQuery, LedgerSum, PageRequest, Workspace};

/// Days that dialects look back.
pub(super) const DAYS: i64 = 30;
const MICROS_PER_DAY: i64 = 86_400_000_000;
const ROWS_AT_ONCE: usize = 200;

/// The calls of one endpoint on one day.
pub(super) struct DailyUse {
    /// `2026-03-01`.
    pub(super) date: String,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) sum: LedgerSum,
}

/// From one moment until before the other, newest day first; of one key only, if one is given.
pub(super) async fn daily_use(
    store: &Workspace,
    (from, to): (Timestamp, Timestamp),
    key: Option<KeyId>,
) -> Result<Vec<DailyUse>> {
    let asked = LedgerQuery { group_by: LedgerGroup::DayAndEndpoint, from, to, key };
    let mut uses = Vec::new();
    let mut page = PageRequest { limit: ROWS_AT_ONCE, cursor: None };
    loop {
        let found = store.ledger_sums(asked.clone(), page).await?;
        uses.extend(found.items.into_iter().filter_map(DailyUse::of));
        let Some(next) = found.next else { break };
        page = PageRequest { limit: ROWS_AT_ONCE, cursor: Some(next) };
    }
    uses.reverse();
    Ok(uses)
}

pub(super) fn days_later(moment: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(moment.micros().saturating_add(days * MICROS_PER_DAY))
}

impl DailyUse {
    /// Of a call that reached no endpoint there is none.
    fn of(sum: LedgerSum) -> Option<Self> {
        let mut words = sum.group.as_deref()?.splitn(3, ' ').map(str::to_owned);
        let (date, provider, model) = (words.next()?, words.next()?, words.next()?);
        Some(Self { date, provider, model, sum })
    }
}
