//! `GET /v1/models` as Anthropic answers it.

use axum::response::Response;
use serde_json::{Value, json};

use super::Anthropic;
use crate::exchange::Received;
use crate::model::MODELS;
use crate::wire::Wire;

pub(crate) fn answer(received: Received) -> Response {
    let allowed = Anthropic::authorize(&received.headers, received.query());
    let models: Vec<Value> = MODELS
        .iter()
        .map(|(id, _)| {
            json!({
                "type": "model", "id": id, "display_name": id,
                "created_at": "2023-11-14T22:13:20Z"
            })
        })
        .collect();
    received.finish::<Anthropic>(allowed.map(|()| {
        json!({
            "data": models, "has_more": false,
            "first_id": MODELS.first().map(|(id, _)| id), "last_id": MODELS.last().map(|(id, _)| id)
        })
    }))
}
