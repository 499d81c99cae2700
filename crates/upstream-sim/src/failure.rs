//! Why a request is refused, before a wire format gives it its words.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// 400; `param` names the field where the format has a place for it.
    BadRequest {
        message: String,
        param: Option<String>,
    },
    /// 401, or 403 at Google: the caller shows no key.
    MissingKey {
        message: String,
    },
    /// 401, by script: the key is not accepted.
    WrongKey,
    ModelNotFound {
        model: String,
    },
    /// 413.
    TooLarge,
    /// 429 with `Retry-After`.
    RateLimit {
        retry_after_s: u32,
    },
    /// 500.
    ServerError,
    /// 503.
    Unavailable,
    /// 529.
    Overloaded,
}

impl Failure {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), param: None }
    }

    pub(crate) fn bad_field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadRequest { message: message.into(), param: Some(param.into()) }
    }

    /// The HTTP status where the format has no other.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::BadRequest { .. } => 400,
            Self::MissingKey { .. } | Self::WrongKey => 401,
            Self::ModelNotFound { .. } => 404,
            Self::TooLarge => 413,
            Self::RateLimit { .. } => 429,
            Self::ServerError => 500,
            Self::Unavailable => 503,
            Self::Overloaded => 529,
        }
    }
}
