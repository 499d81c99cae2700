//! Errors in Cohere's shape: `{"id", "message"}`.

use serde_json::{Value, json};

use crate::failure::Failure;

pub(crate) fn body(id: u64, failure: &Failure) -> (u16, Value) {
    let mut status = failure.status();
    let message = match failure {
        Failure::BadRequest { message, .. } | Failure::MissingKey { message } => message.clone(),
        Failure::WrongKey => "invalid api token".to_owned(),
        Failure::ModelNotFound { model } => {
            format!("model '{model}' not found, make sure the correct model ID was used")
        }
        Failure::TooLarge => "request body too large".to_owned(),
        Failure::RateLimit { .. } => {
            "You are past the rate limit for this key, please wait and try again.".to_owned()
        }
        Failure::ServerError => "internal server error".to_owned(),
        Failure::Unavailable | Failure::Overloaded => {
            status = 503;
            "service temporarily unavailable".to_owned()
        }
    };
    (status, json!({"id": format!("sim-{id}"), "message": message}))
}
