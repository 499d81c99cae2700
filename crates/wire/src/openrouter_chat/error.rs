//! Errors in OpenRouter's envelope: the code is the HTTP status, the kind stands in the metadata.

use backstay_core::{Error, ErrorCode};
use serde_json::{Value, json};

/// OpenRouter's SDKs repeat a call that got a 5xx for up to an hour, so a condition that no repeating
/// cures is never one.
pub(crate) fn status(error: &Error) -> u16 {
    match error.code() {
        ErrorCode::NoProvider | ErrorCode::UpstreamAuthentication => 404,
        ErrorCode::TotalTimeout => 408,
        code => code.status(),
    }
}

/// The body of an answer with an error status.
pub(crate) fn encode_error(error: &Error, request_id: &str) -> Value {
    let mut body = error_object(error);
    body["metadata"]["request_id"] = Value::from(request_id);
    json!({"error": body})
}

/// The metadata is never left out: clients read it without asking whether it is there.
pub(super) fn error_object(error: &Error) -> Value {
    let mut metadata = json!({
        "error_type": error_type(error.code()),
        "error_code": error.code().as_str(),
    });
    if let Some(parameter) = error.parameter() {
        metadata["parameter"] = Value::from(parameter);
    }
    if let Some(milliseconds) = error.retry_after_ms() {
        metadata["headers"] = json!({"Retry-After": milliseconds.div_ceil(1_000).to_string()});
    }
    if let Some(upstream) = error.upstream() {
        metadata["provider_name"] = Value::from(upstream.provider.as_str());
        let status = upstream.status.map(|status| status.to_string());
        if let Some(code) = upstream.code.clone().or(status) {
            metadata["provider_code"] = Value::from(code);
        }
    }
    json!({"code": status(error), "message": error.message(), "metadata": metadata})
}

/// OpenRouter's word for a code of ours.
fn error_type(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::MissingKey | ErrorCode::InvalidKey => "authentication",
        ErrorCode::BodyTooLarge => "payload_too_large",
        ErrorCode::UpstreamContextLength => "context_length_exceeded",
        ErrorCode::TooManyRequests | ErrorCode::UpstreamRateLimited => "rate_limit_exceeded",
        ErrorCode::UpstreamOverloaded => "provider_overloaded",
        ErrorCode::NoProvider
        | ErrorCode::UpstreamAuthentication
        | ErrorCode::UpstreamError
        | ErrorCode::UpstreamUnreachable
        | ErrorCode::UpstreamInvalidResponse
        | ErrorCode::UpstreamStreamBroken => "provider_unavailable",
        ErrorCode::ConnectTimeout
        | ErrorCode::FirstTokenTimeout
        | ErrorCode::IdleTimeout
        | ErrorCode::TotalTimeout => "timeout",
        _ => by_status(code.status()),
    }
}

fn by_status(status: u16) -> &'static str {
    match status {
        401 => "authentication",
        402 => "payment_required",
        403 => "permission_denied",
        404 => "not_found",
        412 => "precondition_failed",
        413 => "payload_too_large",
        422 => "unprocessable",
        429 => "rate_limit_exceeded",
        400..=499 => "invalid_request",
        _ => "server",
    }
}
