//! `/billing/usage/recent`: what was used on each of the last 30 days, by model, newest day first.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{BudgetPeriod, Result};
use serde_json::{Value, json};

use super::encodings;
use crate::{
    api::{
        caller::Caller,
        daily_use::{DAYS, DailyUse, daily_use, days_later},
        dialect::ApiResult,
    },
    state::AppState,
};

const PAGE_SIZE_DEFAULT: u64 = 25;
const PAGE_SIZE_MAX: u64 = 100;
const PICODOLLARS: f64 = 1e12;

pub(super) async fn recent(
    State(state): State<AppState>,
    caller: Caller,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let query = encodings::query(&uri);
    let shown = async {
        let page = query.integer("page")?.unwrap_or(1).max(1);
        let size = query.integer("page_size")?.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX);
        let rows = rows(&state, &caller).await?;
        let total = rows.len() as u64;
        let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
        let data: Vec<Value> = rows.into_iter().skip(skip).take(size as usize).collect();
        let pages = total.div_ceil(size);
        Ok(json!({
            "data": data,
            "pagination": {"page": page, "page_size": size, "total": total, "total_pages": pages},
        }))
    };
    shown.await.map(Json).map_err(|e| caller.fail(e))
}

async fn rows(state: &AppState, caller: &Caller) -> Result<Vec<Value>> {
    let now = state.engine.clock().now();
    let today = BudgetPeriod::Day.at(now).starts_at;
    let days = (days_later(today, 1 - DAYS), days_later(today, 1));
    let store = state.engine.store().workspace(&caller.context.workspace);
    Ok(daily_use(&store, days, None).await?.iter().map(row).collect())
}

fn row(DailyUse { date, provider, model, sum }: &DailyUse) -> Value {
    json!({
        "date": date,
        "model": format!("{provider}/{model}"),
        "input_tokens": sum.prompt_tokens,
        "output_tokens": sum.completion_tokens,
        "vector_reads": 0,
        "vector_cost_usd": 0.0,
        "memory_write_cost_usd": 0.0,
        "credit_type": "regular",
        "amount_deducted_usd": sum.cost.picodollars() as f64 / PICODOLLARS,
    })
}
