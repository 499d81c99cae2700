//! Every route of the server.

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::{
    api::{
        anthropic, backboard, fallback, health, idempotency, login_page, native, openai, openrouter,
    },
    request_id,
    state::AppState,
};

pub(crate) fn routes(state: AppState) -> Router {
    Router::new()
        // OpenAI
        .route("/v1/chat/completions", post(openai::chat_completions::handle))
        .route("/v1/completions", post(openai::chat_completions::handle))
        .route("/v1/responses", post(openai::chat_completions::handle))
        .route("/v1/responses/{id}", get(openai::responses::one).delete(openai::responses::delete))
        .route("/v1/responses/{id}/input_items", get(openai::responses::input_items))
        .route("/v1/embeddings", post(openai::embeddings::handle))
        .route("/v1/rerank", post(openai::rerank::handle))
        .route("/v1/models", get(openai::models::list))
        .route("/v1/models/{*id}", get(openai::models::one))
        // Anthropic
        .route("/v1/messages", post(anthropic::messages::handle))
        .route("/v1/messages/count_tokens", post(anthropic::count_tokens::handle))
        // OpenRouter
        .route("/api/v1/chat/completions", post(openai::chat_completions::handle))
        .route("/api/v1/completions", post(openai::chat_completions::handle))
        .route("/api/v1/responses", post(openai::chat_completions::handle))
        .route(
            "/api/v1/responses/{id}",
            get(openai::responses::one).delete(openai::responses::delete),
        )
        .route("/api/v1/responses/{id}/input_items", get(openai::responses::input_items))
        .route("/api/v1/embeddings", post(openai::embeddings::handle))
        .route("/api/v1/rerank", post(openai::rerank::handle))
        .route("/api/v1/messages", post(anthropic::messages::handle))
        .route("/api/v1/messages/count_tokens", post(anthropic::count_tokens::handle))
        .route("/api/v1/models", get(openrouter::models::list))
        .route("/api/v1/models/user", get(openrouter::models::list))
        .route("/api/v1/models/count", get(openrouter::models::count))
        .route("/api/v1/models/{author}/{slug}/endpoints", get(openrouter::models::endpoints))
        .route("/api/v1/model/{author}/{slug}", get(openrouter::models::one))
        .route("/api/v1/embeddings/models", get(openrouter::models::list_embedding))
        .route("/api/v1/endpoints/zdr", get(openrouter::models::zero_retention))
        .route("/api/v1/providers", get(openrouter::providers::list))
        .route("/api/v1/key", get(openrouter::key::own))
        .route("/api/v1/auth/key", get(openrouter::key::own))
        .route("/api/v1/keys", get(openrouter::keys::list).post(openrouter::keys::create))
        .route(
            "/api/v1/keys/{hash}",
            get(openrouter::keys::one)
                .patch(openrouter::keys::update)
                .delete(openrouter::keys::delete),
        )
        .route("/api/v1/credits", get(openrouter::credits::show))
        .route("/api/v1/activity", get(openrouter::activity::list))
        .route("/api/v1/generation", get(openrouter::generation::one))
        // Backboard
        .merge(backboard::routes())
        // Native
        .merge(native::routes())
        // Operation
        .route("/login/device", get(login_page::show))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::layer))
        .layer(middleware::from_fn_with_state(state.clone(), request_id::layer))
        .with_state(state)
}
