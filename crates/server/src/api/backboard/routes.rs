//! The routes of Backboard's dialect.

use axum::{
    Router,
    routing::{get, post},
};

use super::{assistants, messages, outputs, runs, threads};
use crate::state::AppState;

pub(crate) fn routes() -> Router<AppState> {
    let all = Router::new()
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
        .route("/threads/messages", post(messages::send))
        .route("/threads/{thread}/messages", post(messages::send_to))
        .route("/threads/tool-outputs", post(outputs::submit))
        .route("/threads/{thread}/runs/{run}/submit-tool-outputs", post(outputs::submit_to))
        .route("/threads/{thread}/runs/{run}/cancel", post(runs::cancel));
    Router::new().nest("/api", all.clone()).merge(all)
}
