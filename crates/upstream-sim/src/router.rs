//! The routes of all wire formats and of the control API, on one port.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde_json::json;

use crate::anthropic::{self, Anthropic};
use crate::azure;
use crate::bedrock;
use crate::cohere::{self, Cohere};
use crate::control;
use crate::exchange::{Received, complete};
use crate::gemini;
use crate::ledger::{Charge, Ledger};
use crate::openai::{self, OpenAi};
use crate::openrouter::catalogue::{self, Shelf};
use crate::record::Recorder;
use crate::script::ScriptBook;
use crate::vertex;
use crate::web_search;

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

/// Where Vertex AI has the models of a publisher.
const VERTEX_GEMINI: &str =
    "/v1/projects/{project}/locations/{location}/publishers/google/models/{call}";
const VERTEX_CLAUDE: &str =
    "/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{call}";

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
        .route("/v2/chat", post(complete_cohere))
        .route("/v2/embed", post(cohere::embed::answer))
        .route("/v2/rerank", post(cohere::rerank::answer))
        .route("/v1/rerank", post(cohere::rerank::answer_compatible))
        .route("/model/{model}/converse", post(bedrock::converse))
        .route("/model/{model}/converse-stream", post(bedrock::converse_stream))
        .route("/foundation-models", get(bedrock::models::answer))
        .route(
            "/openai/deployments/{deployment}/chat/completions",
            post(azure::complete_deployment),
        )
        .route("/openai/v1/chat/completions", post(azure::complete_v1))
        .route("/openai/deployments/{deployment}/embeddings", post(azure::embed_deployment))
        .route("/openai/v1/embeddings", post(azure::embed_v1))
        .route(VERTEX_GEMINI, post(vertex::dispatch_gemini))
        .route(VERTEX_CLAUDE, post(vertex::dispatch_claude))
        .route("/v1beta1/publishers/google/models", get(vertex::models))
        .route("/token", post(vertex::token::give))
        .route("/sim/service-account", get(vertex::token::service_account))
        .route("/searxng/search", get(web_search::searxng))
        .route("/brave/res/v1/web/search", get(web_search::brave))
        .route("/tavily/search", post(web_search::tavily))
        .route("/exa/search", post(web_search::exa))
        .route("/pages/{name}", get(web_search::page))
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

async fn complete_cohere(received: Received) -> Response {
    complete::<Cohere>(received, None, false).await
}

/// OpenAI, Anthropic and Cohere share this path; Anthropic's clients always name their version, and
/// Cohere's the endpoint whose models they want.
async fn list_models(received: Received) -> Response {
    if received.query().contains("endpoint=") {
        cohere::models::answer(received)
    } else if received.headers.contains_key("anthropic-version") {
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
            POST /api/v1/chat/completions, GET /v1beta/models, \
            POST /v1beta/models/{model}:generateContent (:streamGenerateContent, :countTokens, \
            :embedContent, :batchEmbedContents), and the paths of Cohere, Bedrock, Azure OpenAI and \
            Vertex AI.",
        "type": "invalid_request_error", "param": null, "code": null
    }});
    (StatusCode::NOT_FOUND, axum::Json(body)).into_response()
}
