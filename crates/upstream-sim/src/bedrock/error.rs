//! Errors in Bedrock's shape: `{"message"}`, the type in a header that says what the status says.

use serde_json::{Value, json};

use crate::failure::Failure;

pub(super) fn body(failure: &Failure) -> (u16, Value) {
    let mut status = failure.status();
    let message = match failure {
        Failure::BadRequest { message, .. } => message.clone(),
        Failure::MissingKey { message } => {
            status = 403;
            message.clone()
        }
        Failure::WrongKey => {
            status = 403;
            "The security token included in the request is invalid.".to_owned()
        }
        Failure::ModelNotFound { .. } => {
            "Could not resolve the foundation model from the provided model identifier.".to_owned()
        }
        Failure::TooLarge => {
            status = 400;
            "The request is too large.".to_owned()
        }
        Failure::RateLimit { .. } => {
            "Too many requests, please wait before trying again.".to_owned()
        }
        Failure::ServerError => {
            "The system encountered an unexpected error during processing. Try your request again."
                .to_owned()
        }
        Failure::Unavailable | Failure::Overloaded => {
            status = 503;
            "Bedrock is unable to process your request.".to_owned()
        }
    };
    (status, json!({"message": message}))
}
