//! `/billing/usage/recent`: what was used on each of the last 30 days, by model, newest day first.

use axum::{Json, extract::State, http::Uri};
use backstay_core::{BudgetPeriod, Result, Timestamp};
use backstay_store::{LedgerGroup, LedgerQuery, LedgerSum, PageRequest};
use serde_json::{Value, json};

use super::encodings;
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

const DAYS: i64 = 30;
const MICROS_PER_DAY: i64 = 86_400_000_000;
const ROWS_AT_ONCE: usize = 200;
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
    let later = |days: i64| Timestamp::from_micros(today.micros() + days * MICROS_PER_DAY);
    let asked = LedgerQuery {
        group_by: LedgerGroup::DayAndEndpoint,
        from: later(1 - DAYS),
        to: later(1),
        key: None,
    };
    let store = state.engine.store().workspace(&caller.context.workspace);
    let mut rows = Vec::new();
    let mut page = PageRequest { limit: ROWS_AT_ONCE, cursor: None };
    loop {
        let found = store.ledger_sums(asked.clone(), page).await?;
        rows.extend(found.items.iter().filter_map(row));
        let Some(next) = found.next else { break };
        page = PageRequest { limit: ROWS_AT_ONCE, cursor: Some(next) };
    }
    rows.reverse();
    Ok(rows)
}

fn row(sum: &LedgerSum) -> Option<Value> {
    let mut words = sum.group.as_deref()?.splitn(3, ' ');
    let (date, provider, model) = (words.next()?, words.next()?, words.next()?);
    Some(json!({
        "date": date,
        "model": format!("{provider}/{model}"),
        "input_tokens": sum.prompt_tokens,
        "output_tokens": sum.completion_tokens,
        "vector_reads": 0,
        "vector_cost_usd": 0.0,
        "memory_write_cost_usd": 0.0,
        "credit_type": "regular",
        "amount_deducted_usd": sum.cost.picodollars() as f64 / PICODOLLARS,
    }))
}
