//! `GET /api/v1/activity`: what was used on each of the last 30 complete days, by model and provider.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{BudgetPeriod, Error, Result, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dollars::number;
use crate::{
    api::{
        caller::Caller,
        daily_use::{DAYS, DailyUse, daily_use, days_later},
        dialect::ApiResult,
        query,
    },
    state::AppState,
};

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
        None => (days_later(today, -DAYS), today),
    };
    let key = match &query.api_key_hash {
        Some(hash) => Some(engine.key_by_hash(context, hash).await?.id),
        None => None,
    };
    let with_workspace = query.group_by.as_deref() == Some("workspace");
    let workspace = with_workspace.then_some(&context.workspace);
    let store = engine.store().workspace(&context.workspace);
    let mut lines: Vec<Value> =
        daily_use(&store, (from, to), key).await?.iter().map(line).collect();
    if let Some(workspace) = workspace {
        lines.iter_mut().for_each(|line| line["workspace_id"] = json!(workspace));
    }
    Ok(lines)
}

fn one_day(date: &str, today: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let day = Timestamp::parse(&format!("{date}T00:00:00Z"));
    let is_shown = |day: &Timestamp| *day < today && *day >= days_later(today, -DAYS);
    day.filter(is_shown).map(|day| (day, days_later(day, 1))).ok_or_else(|| {
        Error::invalid(format!(
            "`date` must be one of the last {DAYS} complete days in UTC, written 2026-03-01"
        ))
        .with_parameter("date")
    })
}

fn line(DailyUse { date, provider, model, sum }: &DailyUse) -> Value {
    json!({
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
    })
}
