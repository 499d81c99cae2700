//! Errors: one table of codes, and two texts per error, one for the caller and one for the log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::LimitHit;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The caller sent something that cannot work.
    Request,
    /// The caller is not known or not allowed.
    Authentication,
    NotFound,
    /// Too much, too fast: the same call may work later.
    Limit,
    /// The provider failed; another endpoint or a later try may work.
    Upstream,
    /// Backstay failed.
    Server,
}

macro_rules! error_codes {
    ($($variant:ident = $code:literal, $class:ident, $status:literal, retry $retry:literal;)*) => {
        /// Stable, machine-readable codes. Clients may match on the text; it never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode { $(#[serde(rename = $code)] $variant,)* }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$variant => ErrorClass::$class,)* }
            }

            /// The HTTP status that every dialect answers with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Whether another endpoint, or the same one later, may succeed with the same request.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retry,)* }
            }
        }
    };
}

error_codes! {
    InvalidJson = "invalid_json", Request, 400, retry false;
    InvalidRequest = "invalid_request", Request, 400, retry false;
    UnsupportedContent = "unsupported_content", Request, 400, retry false;
    BodyTooLarge = "body_too_large", Request, 413, retry false;
    MissingKey = "missing_api_key", Authentication, 401, retry false;
    InvalidKey = "invalid_api_key", Authentication, 401, retry false;
    ExpiredKey = "expired_api_key", Authentication, 401, retry false;
    DisabledKey = "disabled_api_key", Authentication, 401, retry false;
    PermissionDenied = "permission_denied", Authentication, 403, retry false;
    ModelNotFound = "model_not_found", NotFound, 404, retry false;
    NoEndpoints = "no_endpoints", NotFound, 404, retry false;
    NotFound = "not_found", NotFound, 404, retry false;
    MethodNotAllowed = "method_not_allowed", Request, 405, retry false;
    Conflict = "conflict", Request, 409, retry false;
    IdempotencyInProgress = "idempotency_in_progress", Request, 409, retry false;
    IdempotencyNotStored = "idempotency_not_stored", Request, 409, retry false;
    IdempotencyMismatch = "idempotency_mismatch", Request, 422, retry false;
    BudgetExceeded = "budget_exceeded", Limit, 402, retry false;
    PriceUnknown = "price_unknown", Request, 400, retry false;
    TooManyRequests = "too_many_requests", Limit, 429, retry true;
    DocumentQuota = "document_quota_exceeded", Limit, 403, retry false;
    UpstreamRejected = "upstream_rejected", Request, 400, retry false;
    UpstreamContextLength = "context_length_exceeded", Request, 400, retry false;
    UpstreamAuthentication = "upstream_authentication", Upstream, 502, retry true;
    UpstreamModelNotFound = "upstream_model_not_found", NotFound, 404, retry true;
    UpstreamRateLimited = "upstream_rate_limited", Limit, 429, retry true;
    UpstreamOverloaded = "upstream_overloaded", Upstream, 503, retry true;
    UpstreamError = "upstream_error", Upstream, 502, retry true;
    UpstreamUnreachable = "upstream_unreachable", Upstream, 502, retry true;
    UpstreamInvalidResponse = "upstream_invalid_response", Upstream, 502, retry true;
    UpstreamStreamBroken = "upstream_stream_broken", Upstream, 502, retry true;
    ConnectTimeout = "timeout_connect", Upstream, 504, retry true;
    FirstTokenTimeout = "timeout_first_token", Upstream, 504, retry true;
    IdleTimeout = "timeout_idle", Upstream, 504, retry true;
    WholeTimeout = "timeout_whole", Upstream, 504, retry true;
    TotalTimeout = "timeout_total", Upstream, 504, retry false;
    Abandoned = "abandoned", Upstream, 502, retry false;
    NoProvider = "no_provider", Server, 503, retry false;
    StoreUnavailable = "store_unavailable", Server, 503, retry false;
    ShuttingDown = "shutting_down", Server, 503, retry false;
    Internal = "internal_error", Server, 500, retry false;
}

/// What went wrong, for whom, and what to do next.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    code: ErrorCode,
    message: String,
    context: Option<String>,
    parameter: Option<String>,
    retry_after_ms: Option<u64>,
    upstream: Option<UpstreamError>,
    limit: Option<LimitHit>,
    earlier: Vec<FailedAttempt>,
}

/// What the provider itself said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamError {
    pub provider: String,
    /// The provider's HTTP status, absent when the error came inside a stream.
    pub status: Option<u16>,
    /// The provider's own error type or code, where it gave one.
    pub code: Option<String>,
    /// What it wrote, word for word, as far as it holds no credential; only OpenRouter's dialect has a
    /// place for it.
    #[serde(skip)]
    pub raw: Option<String>,
}

/// An attempt that failed before the one that a call ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    pub provider: String,
    pub model: String,
    pub code: ErrorCode,
    /// The provider's HTTP status, where one came.
    pub status: Option<u16>,
    pub message: String,
}

impl Error {
    /// `message` is for the caller: what failed, why, what to do next.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            inner: Box::new(Inner {
                code,
                message,
                context: None,
                parameter: None,
                retry_after_ms: None,
                upstream: None,
                limit: None,
                earlier: Vec::new(),
            }),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    pub fn internal(context: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, "Backstay failed to handle this call; the server's log has the cause under this request id")
            .with_context(context)
    }

    /// Text for the operator's log only; never shown to a caller.
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.inner.context = Some(context.into());
        self
    }

    /// The request field that is at fault, as the client wrote it.
    pub fn with_parameter(mut self, parameter: impl Into<String>) -> Self {
        self.inner.parameter = Some(parameter.into());
        self
    }

    pub fn with_retry_after_ms(mut self, milliseconds: Option<u64>) -> Self {
        self.inner.retry_after_ms = milliseconds;
        self
    }

    pub fn with_upstream(mut self, upstream: UpstreamError) -> Self {
        self.inner.upstream = Some(upstream);
        self
    }

    /// The caller's own limit that was hit.
    pub fn with_limit(mut self, limit: LimitHit) -> Self {
        self.inner.limit = Some(limit);
        self
    }

    /// Attempts that failed before this one did.
    pub fn with_earlier(mut self, attempts: Vec<FailedAttempt>) -> Self {
        self.inner.earlier = attempts;
        self
    }

    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.inner.message = message.into();
        self
    }

    pub fn code(&self) -> ErrorCode {
        self.inner.code
    }

    pub fn message(&self) -> &str {
        &self.inner.message
    }

    pub fn context(&self) -> Option<&str> {
        self.inner.context.as_deref()
    }

    pub fn parameter(&self) -> Option<&str> {
        self.inner.parameter.as_deref()
    }

    pub fn retry_after_ms(&self) -> Option<u64> {
        self.inner.retry_after_ms
    }

    pub fn upstream(&self) -> Option<&UpstreamError> {
        self.inner.upstream.as_ref()
    }

    pub fn earlier(&self) -> &[FailedAttempt] {
        &self.inner.earlier
    }

    pub fn limit(&self) -> Option<&LimitHit> {
        self.inner.limit.as_ref()
    }
}

/// Shows what the caller may see; the context stays out of it on purpose.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.inner.message, self.inner.code.as_str())
    }
}

impl std::error::Error for Error {}
