//! Sums over the ledger: by day, model, key, provider or user, and what has been spent lately.

use backstay_core::{BudgetPeriod, GenerationId, KeyId, Money, Result, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Row, Statement, statements, values},
};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Identifiers sort by time, so that a stretch of time is one stretch of the table. Calls under way
/// are left out.
macro_rules! sums {
    ($label:literal) => {
        concat!(
            "SELECT ",
            $label,
            " AS label, count(*),
                coalesce(sum(CASE WHEN status = 'completed' THEN 0 ELSE 1 END), 0),
                CAST(coalesce(sum(prompt_tokens), 0) AS BIGINT),
                CAST(coalesce(sum(completion_tokens), 0) AS BIGINT),
                CAST(coalesce(sum(cached_tokens), 0) AS BIGINT),
                CAST(coalesce(sum(reasoning_tokens), 0) AS BIGINT),
                CAST(coalesce(sum(cost), 0) AS BIGINT),
                coalesce(sum(CASE WHEN cost IS NULL THEN 1 ELSE 0 END), 0),
                count(cached_from), CAST(coalesce(sum(saved), 0) AS BIGINT)
            FROM generations
            WHERE workspace = $1 AND id >= $2 AND id < $3 AND started_at >= $4 AND started_at < $5
                AND status <> 'pending' AND ($6 = '' OR api_key = $6) AND ",
            $label,
            " > $7
            GROUP BY 1 ORDER BY 1 LIMIT $8"
        )
    };
}

statements! {
    /// Days since 1970-01-01: five digits from 1997 to 2243, which text sorts.
    BY_DAY = sums!("CAST(started_at / 86400000000 AS TEXT)");
    BY_MODEL = sums!("coalesce(model, requested_model)");
    BY_KEY = sums!("api_key");
    /// `=` before a name tells it from none.
    BY_PROVIDER = sums!("coalesce('=' || provider, '~')");
    BY_USER = sums!("coalesce('=' || user_name, '~')");
    BY_DAY_AND_ENDPOINT = sums!("CAST(started_at / 86400000000 AS TEXT) || ' '
        || coalesce(provider, '-') || ' ' || coalesce(model, requested_model)");
    SPENT = "SELECT CAST(coalesce(sum(cost), 0) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN started_at >= $1 THEN cost ELSE 0 END), 0) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN started_at >= $2 THEN cost ELSE 0 END), 0) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN started_at >= $3 THEN cost ELSE 0 END), 0) AS BIGINT),
            max(started_at)
        FROM generations WHERE workspace = $4 AND ($5 = '' OR api_key = $5)";
}

/// What the calls of a stretch of time are put together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerGroup {
    /// In UTC.
    Day,
    Model,
    Key,
    Provider,
    User,
    DayAndEndpoint,
}

impl LedgerGroup {
    const fn statement(self) -> Statement {
        match self {
            Self::Day => BY_DAY,
            Self::Model => BY_MODEL,
            Self::Key => BY_KEY,
            Self::Provider => BY_PROVIDER,
            Self::User => BY_USER,
            Self::DayAndEndpoint => BY_DAY_AND_ENDPOINT,
        }
    }
}

/// Which calls are summed up.
#[derive(Clone, Debug)]
pub struct LedgerQuery {
    pub group_by: LedgerGroup,
    pub from: Timestamp,
    /// Itself not included.
    pub to: Timestamp,
    /// Only calls made with this key.
    pub key: Option<KeyId>,
}

/// The calls of one group together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerSum {
    /// The day (`2026-03-01`), model, key, provider or user; null for calls without one. For days and
    /// endpoints together: day, provider and model with blanks between them.
    pub group: Option<String>,
    pub requests: u64,
    /// Of them those that failed, were cancelled or interrupted.
    pub incomplete: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub cached_tokens: u64,
    pub reasoning_tokens: u64,
    /// Of the calls whose cost is known.
    pub cost: Money,
    /// Calls whose cost is not known.
    pub unpriced: u64,
    /// Calls that were answered from the response cache.
    pub cached: u64,
    /// What those would have cost, as far as that is known.
    pub saved: Money,
    #[serde(skip)]
    label: String,
}

/// What calls have cost, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpentLately {
    pub total: Money,
    pub day: Money,
    /// From Monday.
    pub week: Money,
    pub month: Money,
    pub last_used_at: Option<Timestamp>,
}

impl Workspace {
    /// Sorted by group.
    pub async fn ledger_sums(
        &self,
        query: LedgerQuery,
        page: PageRequest,
    ) -> Result<Page<LedgerSum>> {
        self.read(move |session, workspace| {
            let LedgerQuery { group_by, from, to, key } = query;
            let (_, after) = page.after((0, ""))?;
            let (first, end) = (GenerationId::first_at(from), GenerationId::first_at(to));
            let key = key.as_ref().map_or("", KeyId::as_str);
            let values = values![workspace, &first, &end, from, to, key, &after, page.rows()];
            let read = |row: &Row<'_>| sum(row, group_by);
            let sums = session.all(group_by.statement(), values, read)?;
            Ok(Page::of(sums, &page, |last| (0, last.label.as_str())))
        })
        .await
    }

    /// What a key, or the whole workspace, has spent in all, today, this week and this month.
    pub async fn spent_lately(&self, key: Option<&KeyId>, now: Timestamp) -> Result<SpentLately> {
        let key = key.map_or_else(String::new, KeyId::to_string);
        self.read(move |session, workspace| {
            let start = |period: BudgetPeriod| period.at(now).starts_at;
            let [day, week, month] =
                [BudgetPeriod::Day, BudgetPeriod::Week, BudgetPeriod::Month].map(start);
            let values = values![day, week, month, workspace, &key];
            let spent = session.one(SPENT, values, |row| {
                Ok(SpentLately {
                    total: row.get(0)?,
                    day: row.get(1)?,
                    week: row.get(2)?,
                    month: row.get(3)?,
                    last_used_at: row.get(4)?,
                })
            })?;
            Ok(spent.unwrap_or_default())
        })
        .await
    }
}

fn sum(row: &Row<'_>, group_by: LedgerGroup) -> Result<LedgerSum, Failure> {
    let label: String = row.get(0)?;
    Ok(LedgerSum {
        group: shown(&label, group_by),
        requests: row.get(1)?,
        incomplete: row.get(2)?,
        prompt_tokens: row.get(3)?,
        completion_tokens: row.get(4)?,
        cached_tokens: row.get(5)?,
        reasoning_tokens: row.get(6)?,
        cost: row.get(7)?,
        unpriced: row.get(8)?,
        cached: row.get(9)?,
        saved: row.get(10)?,
        label,
    })
}

fn shown(label: &str, group_by: LedgerGroup) -> Option<String> {
    match group_by {
        LedgerGroup::Day => date(label),
        LedgerGroup::Model | LedgerGroup::Key => Some(label.to_owned()),
        LedgerGroup::Provider | LedgerGroup::User => label.strip_prefix('=').map(str::to_owned),
        LedgerGroup::DayAndEndpoint => {
            let (day, rest) = label.split_once(' ')?;
            Some(format!("{} {rest}", date(day)?))
        }
    }
}

/// The date of a day that is counted from 1970-01-01.
fn date(day: &str) -> Option<String> {
    let micros = day.parse::<i64>().ok()?.checked_mul(MICROS_PER_DAY)?;
    Some(Timestamp::from_micros(micros).date())
}
