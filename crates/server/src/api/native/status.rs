//! `GET /backstay/v1/status`: what `backstay doctor` looks at.

use axum::{Json, extract::State};
use backstay_core::Error;
use serde_json::{Value, json};

use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

pub(crate) async fn show(State(state): State<AppState>, caller: Caller) -> ApiResult<Json<Value>> {
    status(&state).await.map(Json).map_err(|error| caller.fail(error))
}

async fn status(state: &AppState) -> Result<Value, Error> {
    let store = state.engine.store().health().await?;
    let embedding = state.engine.memory().embeddings_status().await?;
    let providers: Vec<Value> = state
        .engine
        .catalogue()
        .providers()
        .iter()
        .map(|provider| {
            json!({"id": provider.id, "name": provider.name, "format": provider.format()})
        })
        .collect();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "store": {
            "path": state.started.data,
            "schema_version": store.schema_version,
            "size_bytes": store.size_bytes,
        },
        "embedding": {
            "model": embedding.model.as_ref().map(|model| &model.name),
            "revision": embedding.model.as_ref().map(|model| &model.revision),
            "dimension": embedding.model.as_ref().map(|model| model.dimension),
            "pending": embedding.pending,
            "folder": state.started.models_folder,
        },
        "providers": providers,
    }))
}
