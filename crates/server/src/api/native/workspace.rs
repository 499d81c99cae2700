//! `/backstay/v1/workspace`: what holds for every call of the workspace.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::WhenStoreIsAway;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkspaceBody {
    when_store_is_away: WhenStoreIsAway,
}

/// How the workspace is set.
#[utoipa::path(
    get,
    path = "/backstay/v1/workspace",
    tag = "operation",
    responses((status = 200, body = WorkspaceBody))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
) -> ApiResult<Json<WorkspaceBody>> {
    let when = state.engine.when_store_is_away(&caller.context).await;
    let when_store_is_away = when.map_err(|e| caller.fail(e))?;
    Ok(Json(WorkspaceBody { when_store_is_away }))
}

/// Set it.
#[utoipa::path(
    put,
    path = "/backstay/v1/workspace",
    tag = "operation",
    request_body = WorkspaceBody,
    responses((status = 200, body = WorkspaceBody), (status = 400, body = ErrorBody))
)]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<WorkspaceBody>> {
    let set = async {
        let wanted: WorkspaceBody = body::read_json(request, state.body_bytes_max).await?;
        let when = wanted.when_store_is_away;
        state.engine.set_when_store_is_away(&caller.context, when).await?;
        Ok(Json(wanted))
    };
    set.await.map_err(|e| caller.fail(e))
}
