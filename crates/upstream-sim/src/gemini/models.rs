//! `GET /v1beta/models`.

use axum::response::Response;
use serde_json::{Value, json};

use super::Gemini;
use crate::exchange::Received;
use crate::model::MODELS;
use crate::wire::Wire;

pub(crate) async fn answer(received: Received) -> Response {
    let allowed = Gemini::authorize(&received.headers, received.query());
    let models: Vec<Value> = MODELS
        .iter()
        .map(|(id, description)| {
            let methods = match *id {
                "sim-embed" => json!(["embedContent", "batchEmbedContents"]),
                _ => json!(["generateContent", "streamGenerateContent", "countTokens"]),
            };
            json!({
                "name": format!("models/{id}"), "version": "1", "displayName": id,
                "description": description, "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536, "supportedGenerationMethods": methods
            })
        })
        .collect();
    received.finish::<Gemini>(allowed.map(|()| json!({"models": models})))
}
