//! `/backstay/v1/generations`: the ledger.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{Error, ErrorCode, GenerationId};
use backstay_store::GenerationRow;

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{
            openapi::ErrorBody,
            page::{PageBody, PageQuery},
        },
    },
    state::AppState,
};

/// List model calls, newest first.
#[utoipa::path(
    get,
    path = "/backstay/v1/generations",
    tag = "ledger",
    params(PageQuery),
    responses((status = 200, body = PageBody<GenerationRow>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<PageBody<GenerationRow>>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let page = store.list_generations(query.request()).await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(page, |row| row)))
}

/// One model call: attempts, tokens, cost, latency.
#[utoipa::path(
    get,
    path = "/backstay/v1/generations/{id}",
    tag = "ledger",
    params(("id" = String, Path, description = "`X-Backstay-Generation` of the answer")),
    responses((status = 200, body = GenerationRow), (status = 404, body = ErrorBody))
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<GenerationRow>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let missing = || Error::new(ErrorCode::NotFound, format!("there is no generation {id}"));
    let parsed = GenerationId::parse(&id).ok_or_else(|| caller.fail(missing()))?;
    let found = store.generation(&parsed).await.map_err(|e| caller.fail(e))?;
    found.map(Json).ok_or_else(|| caller.fail(missing()))
}
