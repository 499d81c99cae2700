//! `GET /v1/models` for clients that ask for an endpoint's models.

use axum::response::Response;
use serde_json::{Value, json};

use super::Cohere;
use crate::exchange::Received;
use crate::model::MODELS;

pub(crate) fn answer(received: Received) -> Response {
    let allowed = received.admit::<Cohere>();
    let chats = MODELS.iter().filter(|(id, _)| *id != "sim-embed");
    let models: Vec<Value> = chats
        .map(|(id, _)| json!({"name": id, "endpoints": ["chat"], "context_length": 1_000_000.0}))
        .collect();
    received.finish::<Cohere>(allowed.map(|()| json!({"models": models})))
}
