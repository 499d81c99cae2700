//! The routes of Backboard's dialect.

use axum::{
    Router,
    routing::{delete, get, post},
};

use super::{
    assistants, documents, media, memories, memory_facts, messages, models, oauth, outputs, runs,
    threads, usage,
};
use crate::state::AppState;

pub(crate) fn routes() -> Router<AppState> {
    let all = of_memories()
        .route("/assistants", get(assistants::list).post(assistants::create))
        .route(
            "/assistants/{assistant}",
            get(assistants::one).put(assistants::update).delete(assistants::delete),
        )
        .route("/assistants/{assistant}/clone", post(assistants::clone))
        .route(
            "/assistants/{assistant}/threads",
            get(threads::list_of_assistant).post(threads::create),
        )
        .route("/threads", get(threads::list))
        .route("/threads/{thread}", get(threads::one).delete(threads::delete))
        .route("/threads/messages", get(media::no_session).post(messages::send))
        .route("/threads/realtime", get(media::no_session))
        .route("/threads/{thread}/messages", post(messages::send_to))
        .route("/threads/tool-outputs", post(outputs::submit))
        .route("/threads/{thread}/runs/{run}/submit-tool-outputs", post(outputs::submit_to))
        .route("/threads/{thread}/runs/{run}/cancel", post(runs::cancel))
        .route(
            "/assistants/{assistant}/documents",
            get(documents::list_of_assistant).post(documents::upload_to_assistant),
        )
        .route(
            "/threads/{thread}/documents",
            get(documents::list_of_thread).post(documents::upload_to_thread),
        )
        .route("/documents/{document}/status", get(documents::status))
        .route("/documents/{document}", delete(documents::delete))
        .route("/models", get(models::list))
        .route("/models/providers", get(models::providers))
        .route("/models/provider/{provider}", get(models::list_of_provider))
        .route("/models/thinking-metadata", get(models::thinking))
        .route("/models/embedding/all", get(models::list_embedding))
        .route("/models/embedding/providers", get(models::embedding_providers))
        .route("/models/embedding/{*name}", get(models::one_embedding))
        .route("/models/image/all", get(media::no_models))
        .route("/models/image/providers", get(media::no_providers))
        .route("/models/image/{*name}", get(media::no_model))
        .route("/models/video/all", get(media::no_models))
        .route("/models/video/{*name}", get(media::no_model))
        .route("/models/{*name}", get(models::one))
        .route("/oauth/device/code", post(oauth::device_code))
        .route("/oauth/token", post(oauth::token))
        .route("/billing/usage/recent", get(usage::recent));
    Router::new().nest("/api", all.clone()).merge(all)
}

fn of_memories() -> Router<AppState> {
    Router::new()
        .route(
            "/assistants/{assistant}/memories",
            get(memories::list).post(memories::add).delete(memories::reset),
        )
        .route("/assistants/{assistant}/memories/stats", get(memory_facts::stats))
        .route("/assistants/{assistant}/memories/insights", get(memory_facts::insights))
        .route("/assistants/{assistant}/memories/search", post(memories::search))
        .route(
            "/assistants/{assistant}/memories/{memory}",
            get(memories::one).put(memories::update).delete(memories::delete),
        )
        .route("/assistants/memories/operations/{operation}", get(memory_facts::operation))
}
