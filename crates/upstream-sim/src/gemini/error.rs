//! Errors in Google's shape: `{"error": {"code", "message", "status", "details"?}}`.

use serde_json::{Value, json};

use crate::failure::Failure;

/// The HTTP status and the body. A missing key is 403 here.
pub(crate) fn body(failure: &Failure) -> (u16, Value) {
    let mut code = failure.status();
    let mut details = None;
    let (status, message) = match failure {
        Failure::BadRequest { message, param } => {
            details = param.as_ref().map(|field| {
                json!([{
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": field, "description": message}]
                }])
            });
            ("INVALID_ARGUMENT", message.clone())
        }
        Failure::MissingKey { message } => {
            code = 403;
            ("PERMISSION_DENIED", message.clone())
        }
        Failure::WrongKey => {
            ("UNAUTHENTICATED", "Request had invalid authentication credentials.".to_owned())
        }
        Failure::ModelNotFound { model } => (
            "NOT_FOUND",
            format!(
                "models/{model} is not found for API version v1beta, or is not supported for this \
                 method. Call ListModels to see the list of available models and their supported \
                 methods."
            ),
        ),
        Failure::TooLarge => {
            code = 400;
            (
                "INVALID_ARGUMENT",
                "Request payload size exceeds the limit: 33554432 bytes.".to_owned(),
            )
        }
        Failure::RateLimit { retry_after_s } => {
            details = Some(json!([{
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{retry_after_s}s")
            }]));
            (
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details."
                    .to_owned(),
            )
        }
        Failure::ServerError => {
            ("INTERNAL", "An internal error has occurred. Please retry.".to_owned())
        }
        Failure::Unavailable | Failure::Overloaded => {
            ("UNAVAILABLE", "The model is overloaded. Please try again later.".to_owned())
        }
    };
    let mut error = json!({"code": code, "message": message, "status": status});
    if let (Some(details), Some(error)) = (details, error.as_object_mut()) {
        error.insert("details".to_owned(), details);
    }
    (code, json!({"error": error}))
}
