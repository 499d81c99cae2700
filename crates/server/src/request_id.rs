//! Request ids: taken from the client when well formed, made otherwise, and always returned.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use backstay_core::RequestId;
use tracing::Instrument as _;

use crate::state::AppState;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Gives every request its id, a log span that carries it, and one log line when it is answered.
pub(crate) async fn layer(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let presented = request.headers().get(&HEADER).and_then(|value| value.to_str().ok());
    let engine = &state.engine;
    let id = presented
        .and_then(RequestId::parse)
        .or_else(|| RequestId::new(engine.clock(), engine.random()).ok())
        .unwrap_or_else(RequestId::unknown);
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.uri().path()
    );
    let started = engine.clock().now();
    let clock = engine.clock().clone();
    async move {
        let mut response = next.run(request).await;
        let status = response.status().as_u16();
        let milliseconds = (clock.now().micros() - started.micros()) as f64 / 1_000.0;
        metrics::counter!("backstay_requests_total", "status" => status.to_string()).increment(1);
        // The ledger and the metrics have every call; a line for each would cost more than either.
        tracing::debug!(status, milliseconds, "answered");
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
    .instrument(span)
    .await
}
