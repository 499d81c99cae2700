//! `GET /api/v1/activity`: what was used on each of the last 30 complete days, by model and provider.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{BudgetPeriod, Error, Result, Timestamp};
use backstay_store::{LedgerGroup, LedgerQuery, LedgerSum, PageRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dollars::number;
use crate::{
    api::{caller::Caller, dialect::ApiResult, query},
    state::AppState,
};

const DAYS: i64 = 30;
const MICROS_PER_DAY: i64 = 86_400_000_000;
const PAGE: usize = 200;

#[derive(Deserialize)]
pub(crate) struct ActivityQuery {
    /// One of the days: `2026-03-01`.
    date: Option<String>,
    api_key_hash: Option<String>,
    group_by: Option<String>,
}

pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let listed = async { activity(&state, &caller, query::read(&uri)?).await };
    listed.await.map(|data| Json(json!({"data": data}))).map_err(|e| caller.fail(e))
}

async fn activity(state: &AppState, caller: &Caller, query: ActivityQuery) -> Result<Vec<Value>> {
    let (engine, context) = (&state.engine, &caller.context);
    let today = BudgetPeriod::Day.at(engine.clock().now()).starts_at;
    let (from, to) = match &query.date {
        Some(date) => one_day(date, today)?,
        None => (later(today, -DAYS), today),
    };
    let key = match &query.api_key_hash {
        Some(hash) => Some(engine.key_by_hash(context, hash).await?.id),
        None => None,
    };
    let with_workspace = query.group_by.as_deref() == Some("workspace");
    let workspace = with_workspace.then_some(&context.workspace);
    let asked = LedgerQuery { group_by: LedgerGroup::DayAndEndpoint, from, to, key };
    let store = engine.store().workspace(&context.workspace);
    let mut lines = Vec::new();
    let mut page = PageRequest { limit: PAGE, cursor: None };
    loop {
        let found = store.ledger_sums(asked.clone(), page).await?;
        lines.extend(found.items.iter().filter_map(line));
        match found.next {
            Some(next) => page = PageRequest { limit: PAGE, cursor: Some(next) },
            None => break,
        }
    }
    if let Some(workspace) = workspace {
        lines.iter_mut().for_each(|line| line["workspace_id"] = json!(workspace));
    }
    // Newest day first.
    lines.reverse();
    Ok(lines)
}

fn one_day(date: &str, today: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let day = Timestamp::parse(&format!("{date}T00:00:00Z"));
    let is_shown = |day: &Timestamp| *day < today && *day >= later(today, -DAYS);
    day.filter(is_shown).map(|day| (day, later(day, 1))).ok_or_else(|| {
        Error::invalid(format!(
            "`date` must be one of the last {DAYS} complete days in UTC, written 2026-03-01"
        ))
        .with_parameter("date")
    })
}

fn later(moment: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(moment.micros().saturating_add(days * MICROS_PER_DAY))
}

fn line(sum: &LedgerSum) -> Option<Value> {
    let mut parts = sum.group.as_deref()?.splitn(3, ' ');
    let (date, provider, model) = (parts.next()?, parts.next()?, parts.next()?);
    Some(json!({
        "date": date,
        "model": model,
        "model_permaslug": model,
        "endpoint_id": format!("{provider}/{model}"),
        "provider_name": provider,
        "requests": sum.requests,
        "prompt_tokens": sum.prompt_tokens,
        "completion_tokens": sum.completion_tokens,
        "reasoning_tokens": sum.reasoning_tokens,
        "cached_tokens": sum.cached_tokens,
        "usage": number(sum.cost),
        "byok_usage_inference": 0,
    }))
}
