//! `/oauth/device/code` and `/oauth/token`: a client without a key gets one that an operator approves. The
//! one place here where nobody has to be known; errors are OAuth's.

use axum::{
    Extension, Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse as _,
};
use backstay_core::{Error, ErrorCode, Result};
use backstay_engine::DeviceLoginOutcome;
use serde_json::json;

use super::encodings;
use crate::{api::idempotency::HoldsSecret, state::AppState};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PAGE: &str = "/login/device";
/// Nobody who asks is known.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Of a key that never expires: ten years.
const EXPIRES_IN_S: i64 = 10 * 365 * 86_400;

pub(super) async fn device_code(State(state): State<AppState>, request: Request) -> Response<Body> {
    let page = format!("{}{PAGE}", origin(request.headers()));
    let begun = async {
        // What a client says of itself is not needed; its body is read all the same.
        encodings::read_within(request, BODY_BYTES_MAX).await?;
        state.engine.begin_device_login().await
    };
    let login = match begun.await {
        Ok(login) => login,
        Err(error) => return failed(&error),
    };
    let body = json!({
        "device_code": login.device_code.expose(),
        "user_code": login.user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={}", login.user_code),
        "expires_in": login.expires_in_s,
        "interval": login.interval_s,
    });
    secret(body)
}

pub(super) async fn token(State(state): State<AppState>, request: Request) -> Response<Body> {
    match fetched(&state, request).await {
        Ok(response) => response,
        Err(error) => failed(&error),
    }
}

async fn fetched(state: &AppState, request: Request) -> Result<Response<Body>> {
    let (fields, _) = encodings::read_within(request, BODY_BYTES_MAX).await?;
    if fields.word("grant_type")?.as_deref() != Some(GRANT) {
        let said = format!("`grant_type` must be {GRANT}");
        return Ok(refused("unsupported_grant_type", &said));
    }
    let Some(device_code) = fields.word("device_code")? else {
        return Ok(refused("invalid_request", "`device_code` is missing"));
    };
    let outcome = state.engine.fetch_device_login(&device_code).await?;
    let (code, said) = match outcome {
        DeviceLoginOutcome::Made { record, key } => {
            let now = state.engine.clock().now().micros();
            let expires_in = record
                .settings
                .expires_at
                .map_or(EXPIRES_IN_S, |end| end.micros().saturating_sub(now).max(0) / 1_000_000);
            let key = key.expose();
            return Ok(secret(json!({
                "access_token": key,
                "backboard_api_key": key,
                "token_type": "Bearer",
                "expires_in": expires_in,
            })));
        }
        DeviceLoginOutcome::Waiting => ("authorization_pending", "no operator has decided yet"),
        DeviceLoginOutcome::TooSoon => ("slow_down", "ask every 5 seconds, and not more often"),
        DeviceLoginOutcome::Denied => ("access_denied", "an operator has denied this login"),
        DeviceLoginOutcome::Expired => {
            ("expired_token", "nobody approved this login in time; begin a new one")
        }
        DeviceLoginOutcome::Unknown => {
            ("invalid_grant", "there is no such login, or its key was fetched; begin a new one")
        }
    };
    Ok(refused(code, said))
}

/// What a device has to do with is kept by nobody on the way.
fn secret(body: serde_json::Value) -> Response<Body> {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Extension(HoldsSecret), Json(body)).into_response()
}

fn refused(code: &str, said: &str) -> Response<Body> {
    let body = json!({"error": code, "error_description": said, "detail": said});
    (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn failed(error: &Error) -> Response<Body> {
    let status = StatusCode::from_u16(error.code().status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match error.code() {
        ErrorCode::TooManyRequests => "slow_down",
        _ if status.is_client_error() => "invalid_request",
        _ => {
            tracing::error!(cause = error.context(), "{}", error.message());
            "server_error"
        }
    };
    let said = error.message();
    let body = json!({"error": code, "error_description": said, "detail": said});
    (status, Json(body)).into_response()
}

/// How the client has reached this server, as far as it says so.
fn origin(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '[' | ']');
    let host = text("host").filter(|host| !host.is_empty() && host.chars().all(is_plain));
    host.map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}
