//! `GET /api/v1/credits`. There are no credits to buy here: what there is in all is what the
//! workspace may spend, where it has a limit that never resets, and else what it has spent.

use axum::{Json, extract::State};
use backstay_core::{BudgetPeriod, Result};
use backstay_store::BudgetOf;
use serde_json::{Value, json};

use super::dollars::number;
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn show(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<Value>> {
    credits(&state, &caller).await.map(Json).map_err(|e| caller.fail(e))
}

async fn credits(state: &AppState, caller: &Caller) -> Result<Value> {
    let (engine, context) = (&state.engine, &caller.context);
    let store = engine.store().workspace(&context.workspace);
    let spent = store.spent_lately(None, engine.clock().now()).await?.total;
    let budgets = engine.budgets(context, BudgetOf::Workspace).await?;
    let total = budgets.iter().find(|budget| budget.period == BudgetPeriod::Total);
    let credits = total.map_or(spent, |budget| budget.limit);
    Ok(json!({"data": {"total_credits": number(credits), "total_usage": number(spent)}}))
}
