//! `GET /foundation-models`.

use axum::response::Response;
use serde_json::{Value, json};

use super::Bedrock;
use crate::exchange::Received;
use crate::model::MODELS;

pub(crate) async fn answer(received: Received) -> Response {
    let allowed = received.admit::<Bedrock>();
    let chats = MODELS.iter().filter(|(id, _)| *id != "sim-embed");
    let models: Vec<Value> = chats
        .map(|(id, description)| {
            json!({
                "modelId": id, "modelName": description, "providerName": "Simulator",
                "outputModalities": ["TEXT"], "inferenceTypesSupported": ["ON_DEMAND"]
            })
        })
        .collect();
    received.finish::<Bedrock>(allowed.map(|()| json!({"modelSummaries": models})))
}
