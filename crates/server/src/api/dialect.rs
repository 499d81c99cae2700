//! Which dialect a request is in, and errors in that dialect.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use backstay_core::{Error, ErrorClass, RequestId, WireFormat};

/// The shape that errors take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Also the shape of the native API's errors.
    OpenAi,
    Anthropic,
}

impl Dialect {
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/v1/messages") { Self::Anthropic } else { Self::OpenAi }
    }

    pub(crate) fn format(self) -> WireFormat {
        match self {
            Self::OpenAi => WireFormat::OpenAi,
            Self::Anthropic => WireFormat::Anthropic,
        }
    }
}

/// An error on its way to a client.
pub(crate) struct ApiError {
    pub(crate) dialect: Dialect,
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
        let body =
            backstay_wire::encode_error(self.dialect.format(), &self.error, self.request.as_str());
        let status =
            StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(milliseconds) = self.error.retry_after_ms() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1_000)));
        }
        response
    }
}
