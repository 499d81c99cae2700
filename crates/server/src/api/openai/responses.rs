//! `/v1/responses/{id}`: answers that were kept.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};

use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let kept = state.engine.kept_response(&caller.context, &id).await;
    let kept = kept.map_err(|error| caller.fail(error))?;
    Ok(Json(backstay_wire::restored_response(kept.body, &kept.generation, &kept.turn)))
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let deleted = state.engine.delete_response(&caller.context, &id).await;
    deleted.map_err(|error| caller.fail(error))?;
    Ok(Json(json!({"id": id, "object": "response", "deleted": true})))
}

/// Newest first, as at OpenAI; a turn is short enough to be one page.
pub(crate) async fn input_items(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let kept = state.engine.kept_response(&caller.context, &id).await;
    let kept = kept.map_err(|error| caller.fail(error))?;
    let mut items = backstay_wire::input_items(&kept.generation, &kept.turn);
    items.reverse();
    let id = |item: Option<&Value>| item.map(|item| item["id"].clone());
    Ok(Json(json!({
        "object": "list",
        "first_id": id(items.first()),
        "last_id": id(items.last()),
        "has_more": false,
        "data": items,
    })))
}
