//! `/backstay/v1/memories/policy`: how long memories are kept, how they fade, and whether anything
//! is learned.

use axum::{
    Json,
    extract::{Query, Request, State},
};
use backstay_core::{Name, Result};
use backstay_store::MemoryPolicy;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::scope;
use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// Whose policy; without a user that of every user of the assistant who has none of their own.
#[derive(Deserialize, IntoParams)]
pub(crate) struct PolicyQuery {
    assistant: Option<Name>,
    user: Option<Name>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ClearedBody {
    /// Whether there was one.
    cleared: bool,
}

/// The policy that holds: the user's own, else the assistant's, else one that keeps everything.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/policy",
    tag = "memories",
    params(PolicyQuery),
    responses((status = 200, body = MemoryPolicy))
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PolicyQuery>,
) -> ApiResult<Json<MemoryPolicy>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let policy = store.memory_policy(&scope(query.assistant, query.user)).await;
    policy.map(Json).map_err(|e| caller.fail(e))
}

/// Set a policy in the place of the one before. Pinned statements are kept whatever it says.
#[utoipa::path(
    put,
    path = "/backstay/v1/memories/policy",
    tag = "memories",
    params(PolicyQuery),
    request_body = MemoryPolicy,
    responses((status = 200, body = MemoryPolicy), (status = 400, body = ErrorBody))
)]
pub(crate) async fn set(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PolicyQuery>,
    request: Request,
) -> ApiResult<Json<MemoryPolicy>> {
    set_policy(&state, &caller, query, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn set_policy(
    state: &AppState,
    caller: &Caller,
    query: PolicyQuery,
    request: Request,
) -> Result<MemoryPolicy> {
    let policy: MemoryPolicy = body::read_json(request, state.body_bytes_max).await?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    store.set_memory_policy(&scope(query.assistant, query.user), policy).await?;
    Ok(policy)
}

/// Take a policy back.
#[utoipa::path(
    delete,
    path = "/backstay/v1/memories/policy",
    tag = "memories",
    params(PolicyQuery),
    responses((status = 200, body = ClearedBody))
)]
pub(crate) async fn clear(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PolicyQuery>,
) -> ApiResult<Json<ClearedBody>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let cleared = store.clear_memory_policy(&scope(query.assistant, query.user)).await;
    cleared.map(|cleared| Json(ClearedBody { cleared })).map_err(|e| caller.fail(e))
}
