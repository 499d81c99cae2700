//! The honest floor: a gateway without tuning that does the least any gateway must do to the JSON.
//!
//! It parses both bodies, rewrites the model, reads the usage and serialises again; streams pass
//! through. No authentication, no ledger, no routing, no retry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use http::{StatusCode, header};
use serde_json::{Map, Value, json};

use crate::canned;
use crate::endpoint::{ProxyOptions, READY_PATH};

struct Gateway {
    client: reqwest::Client,
    chat_url: String,
    /// Keeps the reading of the usage from being optimised away.
    total_tokens: AtomicU64,
}

pub(crate) async fn serve(options: ProxyOptions) -> anyhow::Result<()> {
    let gateway = Arc::new(Gateway {
        client: reqwest::Client::builder()
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .context("cannot build the HTTP client")?,
        chat_url: format!("http://{}{}", options.upstream, canned::CHAT_PATH),
        total_tokens: AtomicU64::new(0),
    });
    let router = Router::new()
        .route(READY_PATH, get(async || StatusCode::OK))
        .route(canned::CHAT_PATH, post(chat))
        .with_state(gateway);
    let listener = options.endpoint.bind().await?.tap_io(|stream| {
        // Without it the figures show a 40 ms stall, which nobody could miss.
        stream.set_nodelay(true).ok();
    });
    tokio::select! {
        ended = async { axum::serve(listener, router).await } => ended.context("the server ended"),
        () = options.endpoint.parent_gone() => Ok(()),
    }
}

async fn chat(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response {
    match relay(&gateway, &body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

async fn relay(gateway: &Gateway, body: &[u8]) -> anyhow::Result<Response> {
    let mut request: Map<String, Value> =
        serde_json::from_slice(body).context("the request is not a JSON object")?;
    request.insert("model".to_owned(), json!(canned::UPSTREAM_MODEL));
    let wants_stream = request.get("stream") == Some(&json!(true));
    let upstream = gateway
        .client
        .post(&gateway.chat_url)
        .bearer_auth(canned::UPSTREAM_KEY)
        .header(header::CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(&request)?)
        .send()
        .await
        .context("the upstream did not answer")?
        .error_for_status()?;
    if wants_stream {
        let headers = [(header::CONTENT_TYPE, "text/event-stream")];
        return Ok((headers, Body::from_stream(upstream.bytes_stream())).into_response());
    }
    let answer: Value = serde_json::from_slice(&upstream.bytes().await?)?;
    let tokens = answer["usage"]["total_tokens"].as_u64().unwrap_or_default();
    gateway.total_tokens.fetch_add(tokens, Ordering::Relaxed);
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, serde_json::to_vec(&answer)?).into_response())
}
