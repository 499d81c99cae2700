//! `/backstay/v1/generations`: the ledger.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{Error, ErrorCode, GenerationId};
use serde_json::{Value, json};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::page::{PageBody, PageQuery},
    },
    state::AppState,
};

/// Newest first.
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Value>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let page = store.list_generations(query.request()).await.map_err(|e| caller.fail(e))?;
    Ok(Json(json!(PageBody::of(page, |row| row))))
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let missing = || Error::new(ErrorCode::NotFound, format!("there is no generation {id}"));
    let parsed = GenerationId::parse(&id).ok_or_else(|| caller.fail(missing()))?;
    let found = store.generation(&parsed).await.map_err(|e| caller.fail(e))?;
    found.map(|row| Json(json!(row))).ok_or_else(|| caller.fail(missing()))
}
