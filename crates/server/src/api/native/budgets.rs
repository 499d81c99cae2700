//! `/backstay/v1/budgets`: what the workspace as a whole may spend.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::{Budget, Result};
use backstay_store::{BudgetOf, BudgetRow};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{
        body,
        caller::Caller,
        dialect::ApiResult,
        native::{openapi::ErrorBody, page::ListBody},
    },
    state::AppState,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetsBody {
    /// At most one per period; none lifts every limit.
    budgets: Vec<Budget>,
}

/// The workspace's budgets and what is gone of them.
#[utoipa::path(
    get,
    path = "/backstay/v1/budgets",
    tag = "ledger",
    responses((status = 200, body = ListBody<BudgetRow>))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> ApiResult<Json<ListBody<BudgetRow>>> {
    shown(&state, &caller).await.map_err(|e| caller.fail(e))
}

/// Set the workspace's budgets, in place of those that there are. What was spent before counts.
#[utoipa::path(
    put,
    path = "/backstay/v1/budgets",
    tag = "ledger",
    request_body = BudgetsBody,
    responses((status = 200, body = ListBody<BudgetRow>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ListBody<BudgetRow>>> {
    let set = async {
        let wanted: BudgetsBody = body::read_json(request, state.body_bytes_max).await?;
        state.engine.set_workspace_budgets(&caller.context, &wanted.budgets).await?;
        shown(&state, &caller).await
    };
    set.await.map_err(|e| caller.fail(e))
}

async fn shown(state: &AppState, caller: &Caller) -> Result<Json<ListBody<BudgetRow>>> {
    let data = state.engine.budgets(&caller.context, BudgetOf::Workspace).await?;
    Ok(Json(ListBody { data }))
}
