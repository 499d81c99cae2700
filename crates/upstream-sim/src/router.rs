//! The routes of all three wire formats and of the control API, on one port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::anthropic::{self, Anthropic};
use crate::control;
use crate::exchange::{Received, complete};
use crate::gemini;
use crate::ledger::{Charge, Ledger};
use crate::openai::{self, OpenAi};
use crate::openrouter::catalogue::{self, Shelf};
use crate::record::Recorder;
use crate::script::ScriptBook;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) scripts: ScriptBook,
    pub(crate) recorder: Arc<Recorder>,
    /// Kept like the requests, or not.
    pub(crate) ledger: Option<Ledger>,
    pub(crate) shelf: Shelf,
    requests: AtomicU64,
}

impl App {
    pub(crate) fn new(record_requests: bool) -> Self {
        Self {
            scripts: ScriptBook::default(),
            recorder: Arc::new(Recorder::new(record_requests)),
            ledger: record_requests.then(Ledger::default),
            shelf: Shelf::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// The number of the next request, from 1.
    pub(crate) fn next_id(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn charges(&self) -> Vec<Charge> {
        self.ledger.as_ref().map(Ledger::all).unwrap_or_default()
    }

    /// Forgets scripts, requests and charges; numbers go on, so that ids stay unique.
    pub(crate) fn reset(&self) {
        self.scripts.clear();
        self.recorder.clear();
        if let Some(ledger) = &self.ledger {
            ledger.clear();
        }
    }
}

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(complete_openai))
        .route("/v1/embeddings", post(openai::embeddings::answer))
        .route("/v1/messages", post(complete_anthropic))
        .route("/v1/messages/count_tokens", post(anthropic::count::answer))
        .route("/v1/models", get(list_models))
        .route("/v1beta/models", get(gemini::models::answer))
        .route("/v1beta/models/{call}", post(gemini::dispatch))
        .route("/api/v1/models", get(list_catalogue))
        .route("/api/v1/models/{author}/{slug}/endpoints", get(list_endpoints))
        .route("/api/v1/chat/completions", post(complete_openai))
        .route("/sim/catalogue", post(control::set_catalogue))
        .route("/sim/script", post(control::add_script))
        .route("/sim/requests", get(control::list_requests))
        .route("/sim/ledger", get(control::show_ledger))
        .route("/sim/reset", post(control::reset))
        .fallback(unknown_path)
        .with_state(app)
}

async fn complete_openai(received: Received) -> Response {
    complete::<OpenAi>(received, None, false).await
}

async fn complete_anthropic(received: Received) -> Response {
    complete::<Anthropic>(received, None, false).await
}

/// OpenAI and Anthropic share this path; Anthropic's clients always name their version.
async fn list_models(received: Received) -> Response {
    if received.headers.contains_key("anthropic-version") {
        anthropic::models::answer(received)
    } else {
        openai::models::answer(received)
    }
}

async fn list_catalogue(received: Received) -> Response {
    catalogue::models(received)
}

async fn list_endpoints(model: Path<(String, String)>, received: Received) -> Response {
    catalogue::endpoints(model, received)
}

async fn unknown_path() -> Response {
    let body = json!({"error": {
        "message": "Unknown path. This simulator answers POST /v1/chat/completions, POST \
            /v1/embeddings, POST /v1/messages, POST /v1/messages/count_tokens, GET /v1/models, \
            GET /api/v1/models, GET /api/v1/models/{author}/{slug}/endpoints, \
            POST /api/v1/chat/completions, GET /v1beta/models and POST /v1beta/models/{model}:generateContent \
            (:streamGenerateContent, :countTokens, :embedContent, :batchEmbedContents).",
        "type": "invalid_request_error", "param": null, "code": null
    }});
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}
