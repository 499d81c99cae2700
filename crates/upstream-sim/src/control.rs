//! The control API: set scripts, look at requests, start afresh.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::ledger::Charge;
use crate::openrouter::catalogue::Catalogue;
use crate::record::RequestRecord;
use crate::router::App;
use crate::script::Script;

/// `POST /sim/script`: adds a [`Script`]; 204, or 400 with what is wrong with it.
pub(crate) async fn add_script(State(app): State<Arc<App>>, body: Bytes) -> Response {
    let script: Script = match serde_json::from_slice(&body) {
        Ok(script) => script,
        Err(error) => return refusal(&error.to_string()),
    };
    match app.scripts.add(script) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refusal(&error.to_string()),
    }
}

/// `GET /sim/requests`: the last requests, oldest first.
pub(crate) async fn list_requests(State(app): State<Arc<App>>) -> Json<Vec<RequestRecord>> {
    Json(app.recorder.requests())
}

/// `GET /sim/ledger`: what was charged, one [`Charge`] for each answer that was begun.
pub(crate) async fn show_ledger(State(app): State<Arc<App>>) -> Json<Vec<Charge>> {
    Json(app.charges())
}

/// `POST /sim/reset`: forgets all scripts, requests and charges.
pub(crate) async fn reset(State(app): State<Arc<App>>) -> StatusCode {
    app.reset();
    StatusCode::NO_CONTENT
}

/// `POST /sim/catalogue`: answers as OpenRouter with this [`Catalogue`] from now on.
pub(crate) async fn set_catalogue(State(app): State<Arc<App>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Catalogue>(&body) {
        Ok(catalogue) => {
            app.shelf.set(catalogue);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refusal(&error.to_string()),
    }
}

fn refusal(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": {"message": message}}))).into_response()
}
