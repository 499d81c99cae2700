//! `GET /v1/models`, in OpenAI's shape, or in Anthropic's for clients that say so.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use backstay_routing::ModelEntry;
use serde_json::{Value, json};

use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn list(
    State(state): State<AppState>,
    _caller: Caller,
    headers: HeaderMap,
) -> Json<Value> {
    let models = state.engine.catalogue().models();
    if speaks_anthropic(&headers) {
        let data: Vec<Value> = models.iter().map(anthropic).collect();
        let id = |entry: Option<&ModelEntry>| entry.map(|entry| entry.id.clone());
        return Json(json!({
            "data": data,
            "has_more": false,
            "first_id": id(models.first()),
            "last_id": id(models.last()),
        }));
    }
    let data: Vec<Value> = models.iter().map(openai).collect();
    Json(json!({"object": "list", "data": data}))
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let catalogue = state.engine.catalogue();
    let known = catalogue.models().into_iter().find(|entry| entry.id == id);
    let entry = known.ok_or_else(|| caller.fail(catalogue.unknown(&id)))?;
    Ok(Json(if speaks_anthropic(&headers) { anthropic(&entry) } else { openai(&entry) }))
}

/// Every Anthropic client sends this header; no OpenAI client does.
fn speaks_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

fn openai(entry: &ModelEntry) -> Value {
    let mut model = json!({
        "id": entry.id,
        "object": "model",
        // Providers' lists do not agree on a date; clients require the field.
        "created": 0,
        "owned_by": entry.provider,
    });
    if let Some(length) = entry.facts.context_length {
        model["context_length"] = json!(length);
    }
    model
}

fn anthropic(entry: &ModelEntry) -> Value {
    json!({
        "type": "model",
        "id": entry.id,
        "display_name": entry.display_name.as_deref().unwrap_or(&entry.id),
        "created_at": "1970-01-01T00:00:00Z",
    })
}
