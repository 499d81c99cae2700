//! `GET /backstay/v1/models`: the catalogue with prices.

use axum::{Json, extract::State};
use backstay_core::Price;
use backstay_routing::ModelEntry;
use serde_json::{Value, json};

use crate::{api::caller::Caller, state::AppState};

pub(crate) async fn list(State(state): State<AppState>, _caller: Caller) -> Json<Value> {
    let models = state.engine.catalogue().models();
    let data: Vec<Value> = models.iter().map(shown).collect();
    Json(json!({"data": data}))
}

fn shown(entry: &ModelEntry) -> Value {
    json!({
        "id": entry.id,
        "provider": entry.provider,
        "display_name": entry.display_name,
        "context_length": entry.facts.context_length,
        "price": entry.facts.price.as_ref().map(price),
    })
}

/// Dollars per token, as they are computed with, and per million, as people compare them.
fn price(price: &Price) -> Value {
    json!({
        "prompt": price.prompt,
        "completion": price.completion,
        "prompt_per_million": price.prompt.times(1_000_000),
        "completion_per_million": price.completion.times(1_000_000),
    })
}
