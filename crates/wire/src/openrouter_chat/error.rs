//! Errors in OpenRouter's envelope: the code is the HTTP status, the kind stands in the metadata.

use backstay_core::{Amount, Error, ErrorCode, FailedAttempt, LimitHit, LimitScope};
use serde_json::{Value, json};

use crate::dollars;

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
        if let Some(raw) = &upstream.raw {
            metadata["raw"] = Value::from(raw.as_str());
        }
        let status = upstream.status.map(|status| status.to_string());
        if let Some(code) = upstream.code.clone().or(status) {
            metadata["provider_code"] = Value::from(code);
        }
    }
    if let Some(limit) = error.limit() {
        add_limit(&mut metadata, error, limit);
    }
    if !error.earlier().is_empty() {
        let earlier: Vec<Value> = error.earlier().iter().map(previous).collect();
        metadata["previous_errors"] = Value::from(earlier);
    }
    json!({"code": status(error), "message": error.message(), "metadata": metadata})
}

/// The limit that was hit: whose it is, what is used of it, and when it frees.
fn add_limit(metadata: &mut Value, error: &Error, limit: &LimitHit) {
    metadata["scope"] = Value::from(limit.scope.as_str());
    if let Some(moment) = limit.resets_at {
        metadata["resets_at"] = json!(moment);
    }
    if let (Amount::Money(most), Amount::Money(used)) = (limit.limit, limit.used) {
        metadata["limit_usd"] = json!(dollars::number(most));
        metadata["spend_usd"] = json!(dollars::number(used));
    }
    if error.code().status() == 402 {
        metadata["limit_source"] = Value::from(match (error.retry_after_ms(), limit.scope) {
            (Some(_), _) => "openrouter_in_flight_budget",
            (None, LimitScope::Key) => "openrouter_key_limit",
            (None, LimitScope::Workspace) => "openrouter_workspace_budget",
        });
        return;
    }
    let reset = limit.resets_at.map(|moment| moment.millis().to_string());
    for (name, text) in [
        ("X-RateLimit-Limit", Some(limit.limit.to_string())),
        ("X-RateLimit-Remaining", Some(limit.left().to_string())),
        ("X-RateLimit-Reset", reset),
    ] {
        if let Some(text) = text {
            metadata["headers"][name] = Value::from(text);
        }
    }
}

/// An attempt that failed before, by the provider's status or what we would answer in its place.
fn previous(attempt: &FailedAttempt) -> Value {
    json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "code": attempt.status.unwrap_or(attempt.code.status()),
        "error_type": error_type(attempt.code),
        "message": attempt.message,
    })
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
        | ErrorCode::WholeTimeout
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
