//! Which dialect a path speaks, and errors in that dialect.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use backstay_core::{Error, ErrorClass, ErrorCode, LimitHit, RequestId};
use backstay_wire::Dialect;
use bytes::Bytes;
use serde_json::json;

/// Where OpenRouter's clients call.
const OPENROUTER: &str = "/api/v1/";

/// What a path speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Of requests and answers.
    pub(crate) dialect: Dialect,
    /// Of errors in place of an answer. OpenAI's is also the shape of the native API's.
    pub(crate) errors: ErrorForm,
    /// Whether the path is of OpenRouter's API, whatever interface it offers there.
    pub(crate) at_openrouter: bool,
}

/// What an error looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    Of(Dialect),
    /// Backboard's: one text, `detail`.
    Detail,
}

impl ErrorForm {
    fn status(self, error: &Error) -> u16 {
        match self {
            Self::Of(dialect) => dialect.status(error),
            Self::Detail => match error.code() {
                // Its clients take 404 for an assistant or thread that is gone, and know no 409.
                ErrorCode::ModelNotFound
                | ErrorCode::NoEndpoints
                | ErrorCode::UpstreamModelNotFound
                | ErrorCode::Conflict => 400,
                code => code.status(),
            },
        }
    }

    fn body(self, error: &Error, request: &RequestId) -> Bytes {
        match self {
            Self::Of(dialect) => backstay_wire::encode_error(dialect, error, request.as_str()),
            Self::Detail => {
                let code = error.code().as_str();
                let body = json!({"detail": error.message(), "code": code, "request_id": request});
                Bytes::from(body.to_string())
            }
        }
    }
}

impl Spoken {
    pub(crate) fn of_path(path: &str) -> Self {
        if is_backboards(path) {
            let dialect = Dialect::OpenAi;
            return Self { dialect, errors: ErrorForm::Detail, at_openrouter: false };
        }
        let below = path.strip_prefix(OPENROUTER);
        let at_openrouter = below.is_some();
        let chat = if at_openrouter { Dialect::OpenRouter } else { Dialect::OpenAi };
        let interface = below.or_else(|| path.strip_prefix("/v1/")).unwrap_or_default();
        if interface == "messages" || interface.starts_with("messages/") {
            let anthropic = Dialect::Anthropic;
            return Self { dialect: anthropic, errors: ErrorForm::Of(anthropic), at_openrouter };
        }
        let dialect = match interface {
            "completions" => Dialect::Completions,
            "responses" => Dialect::Responses,
            _ => chat,
        };
        Self { dialect, errors: ErrorForm::Of(chat), at_openrouter }
    }
}

/// Under `/api` everything that is not OpenRouter's, and the same at the root.
fn is_backboards(path: &str) -> bool {
    const AT_ROOT: [&str; 6] = ["assistants", "threads", "documents", "models", "billing", "oauth"];
    match path.strip_prefix("/api/") {
        Some(below) => below != "v1" && !below.starts_with("v1/"),
        None => {
            let first = path.trim_start_matches('/').split('/').next();
            first.is_some_and(|first| AT_ROOT.contains(&first))
        }
    }
}

/// An error on its way to a client.
pub(crate) struct ApiError {
    pub(crate) form: ErrorForm,
    pub(crate) request: RequestId,
    pub(crate) error: Error,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let code = self.error.code();
        if code.class() == ErrorClass::Server {
            tracing::error!(
                code = code.as_str(),
                cause = self.error.context(),
                "{}",
                self.error.message()
            );
        }
        let body = self.form.body(&self.error, &self.request);
        let status = StatusCode::from_u16(self.form.status(&self.error))
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(milliseconds) = self.error.retry_after_ms() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1_000)));
        }
        if let Some(limit) = self.error.limit().filter(|_| code.status() == 429) {
            rate_limit_headers(headers, limit);
        }
        response
    }
}

/// The headers that clients of OpenRouter and others know: how much is allowed, what is left, and when
/// it frees, in milliseconds since the epoch.
fn rate_limit_headers(headers: &mut HeaderMap, limit: &LimitHit) {
    let reset = limit.resets_at.map(|moment| moment.millis().to_string());
    let all = [
        ("x-ratelimit-limit", Some(limit.limit.to_string())),
        ("x-ratelimit-remaining", Some(limit.left().to_string())),
        ("x-ratelimit-reset", reset),
    ];
    for (name, text) in all {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_dialect() {
        for (path, dialect, errors) in [
            ("/v1/chat/completions", Dialect::OpenAi, Dialect::OpenAi),
            ("/v1/messages", Dialect::Anthropic, Dialect::Anthropic),
            ("/v1/messages/count_tokens", Dialect::Anthropic, Dialect::Anthropic),
            ("/api/v1/messages", Dialect::Anthropic, Dialect::Anthropic),
            ("/api/v1/chat/completions", Dialect::OpenRouter, Dialect::OpenRouter),
            ("/api/v1/key", Dialect::OpenRouter, Dialect::OpenRouter),
            ("/v1/completions", Dialect::Completions, Dialect::OpenAi),
            ("/v1/responses", Dialect::Responses, Dialect::OpenAi),
            ("/api/v1/responses", Dialect::Responses, Dialect::OpenRouter),
            ("/backstay/v1/status", Dialect::OpenAi, Dialect::OpenAi),
        ] {
            let spoken = Spoken::of_path(path);
            let errors = ErrorForm::Of(errors);
            assert_eq!((spoken.dialect, spoken.errors), (dialect, errors), "{path}");
            assert_eq!(spoken.at_openrouter, path.starts_with("/api/"), "{path}");
        }
        for path in ["/api/assistants", "/api/threads/x/messages", "/models", "/threads/messages"] {
            assert_eq!(Spoken::of_path(path).errors, ErrorForm::Detail, "{path}");
        }
    }
}
