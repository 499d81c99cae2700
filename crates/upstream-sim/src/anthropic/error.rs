//! Errors in Anthropic's shape: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

use serde_json::{Value, json};

use crate::failure::Failure;

pub(crate) fn body(id: u64, failure: &Failure) -> Value {
    let (kind, message) = match failure {
        Failure::BadRequest { message, .. } => ("invalid_request_error", message.clone()),
        Failure::MissingKey { message } => ("authentication_error", message.clone()),
        Failure::WrongKey => ("authentication_error", "invalid x-api-key".to_owned()),
        Failure::ModelNotFound { model } => ("not_found_error", format!("model: {model}")),
        Failure::TooLarge => {
            ("request_too_large", "Request exceeds the maximum size of 32 MB".to_owned())
        }
        Failure::RateLimit { .. } => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit. Please try again later."
                .to_owned(),
        ),
        Failure::ServerError | Failure::Unavailable => {
            ("api_error", "Internal server error".to_owned())
        }
        Failure::Overloaded => ("overloaded_error", "Overloaded".to_owned()),
    };
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": format!("req_sim_{id}")
    })
}
