//! For load balancers and monitoring.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::state::AppState;

/// The process is alive.
pub(crate) async fn health() -> Response {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})).into_response()
}

/// The store answers: calls can be served.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    match state.engine.store().health().await {
        Ok(_) => Json(json!({"status": "ready"})).into_response(),
        Err(error) => {
            let body = json!({"status": "not ready", "cause": error.message()});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    match &state.metrics {
        Some(metrics) => {
            observe_connections(&state);
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, metrics.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What is asked for when it is shown, as it changes all the time.
fn observe_connections(state: &AppState) {
    let Some(connections) = state.engine.store().connections() else { return };
    metrics::gauge!("backstay_store_connections_in_use").set(connections.in_use as f64);
    metrics::gauge!("backstay_store_connections_max").set(connections.max as f64);
}
