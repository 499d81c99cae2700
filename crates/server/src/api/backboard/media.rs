//! What this dialect has for pictures, films and voices. Nothing here makes them: lists are empty, one
//! model is not there, and a voice session ends before it begins, with the reason.

use axum::{
    Json,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::Response,
};
use serde_json::{Value, json};

use super::ids;
use crate::api::{caller::Caller, dialect::ApiError};

const NO_VOICE: &str =
    "voice and realtime sessions are not supported; send text to POST /threads/messages";

pub(super) async fn no_models(_caller: Caller) -> Json<Value> {
    Json(json!({"models": [], "total": 0}))
}

pub(super) async fn no_providers(_caller: Caller) -> Json<Value> {
    Json(json!({"providers": [], "total": 0}))
}

pub(super) async fn no_model(caller: Caller) -> ApiError {
    caller.fail(ids::not_found("Model"))
}

/// Clients read the reason of a session from its first message, whatever the key.
pub(super) async fn no_session(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(refuse)
}

async fn refuse(mut socket: WebSocket) {
    // They send their settings first, and some wait with reading until that is through.
    let _settings = socket.recv().await;
    let reason = json!({"type": "error", "message": NO_VOICE}).to_string();
    let sent = socket.send(Message::Text(reason.into())).await;
    if let Err(cause) = sent {
        tracing::debug!(%cause, "a client left before it was refused a voice session");
    }
}
