//! `GET /v1/models` as OpenAI answers it.

use axum::response::Response;
use serde_json::{Value, json};

use super::OpenAi;
use crate::CREATED_UNIX_S;
use crate::exchange::Received;
use crate::model::MODELS;
use crate::wire::Wire;

pub(crate) fn answer(received: Received) -> Response {
    let allowed = OpenAi::authorize(&received.headers, received.query());
    let models: Vec<Value> = MODELS
        .iter()
        .map(|(id, _)| {
            json!({
                "id": id, "object": "model", "created": CREATED_UNIX_S, "owned_by": "upstream-sim"
            })
        })
        .collect();
    received.finish::<OpenAi>(allowed.map(|()| json!({"object": "list", "data": models})))
}
