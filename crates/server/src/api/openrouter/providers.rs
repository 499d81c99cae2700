//! `GET /api/v1/providers`: who serves models here.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{api::caller::Caller, state::AppState};

pub(crate) async fn list(State(state): State<AppState>, _caller: Caller) -> Json<Value> {
    let providers = state.engine.catalogue().providers();
    let shown = providers.iter().map(|provider| {
        json!({
            "name": provider.name,
            "slug": provider.id,
            "privacy_policy_url": Value::Null,
            "terms_of_service_url": Value::Null,
            "status_page_url": Value::Null,
        })
    });
    Json(json!({"data": shown.collect::<Vec<_>>()}))
}
