//! Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.

use serde_json::{Value, json};

use crate::failure::Failure;

pub(crate) fn body(failure: &Failure) -> Value {
    let error = |message: String, kind: &str, param: Option<&str>, code: Option<&str>| {
        let error = json!({"message": message, "type": kind, "param": param, "code": code});
        json!({"error": error})
    };
    match failure {
        Failure::BadRequest { message, param } => {
            error(message.clone(), "invalid_request_error", param.as_deref(), None)
        }
        Failure::MissingKey { message } => {
            error(message.clone(), "invalid_request_error", None, None)
        }
        Failure::WrongKey => error(
            "Incorrect API key provided.".to_owned(),
            "invalid_request_error",
            None,
            Some("invalid_api_key"),
        ),
        Failure::ModelNotFound { model } => error(
            format!("The model `{model}` does not exist or you do not have access to it."),
            "invalid_request_error",
            Some("model"),
            Some("model_not_found"),
        ),
        Failure::TooLarge => error(
            "The request body is larger than 32 MiB.".to_owned(),
            "invalid_request_error",
            None,
            Some("request_too_large"),
        ),
        Failure::RateLimit { retry_after_s } => error(
            format!("Rate limit reached for requests. Please try again in {retry_after_s}s."),
            "requests",
            None,
            Some("rate_limit_exceeded"),
        ),
        Failure::ServerError => error(
            "The server had an error while processing your request. Sorry about that!".to_owned(),
            "server_error",
            None,
            None,
        ),
        Failure::Unavailable | Failure::Overloaded => error(
            "The engine is currently overloaded, please try again later.".to_owned(),
            "server_error",
            None,
            None,
        ),
    }
}
