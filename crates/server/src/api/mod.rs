//! The dialects. Each handler decodes, calls the engine and encodes; nothing is decided here.

mod access;
mod answer;
pub(crate) mod anthropic;
pub(crate) mod backboard;
mod body;
mod cached;
mod caller;
mod chat;
mod daily_use;
mod dialect;
mod early_head;
pub(crate) mod fallback;
pub(crate) mod health;
pub(crate) mod idempotency;
pub(crate) mod login_page;
mod model_lists;
mod model_query;
pub(crate) mod native;
pub(crate) mod openai;
pub(crate) mod openrouter;
mod prompts;
mod query;

pub(crate) use model_lists::ModelLists;

use crate::state::AppState;

/// Writes the lists of models when the catalogue changes, so that nobody's request waits for it.
pub(crate) async fn write_lists_forever(state: AppState) {
    loop {
        let writing = state.clone();
        let written = tokio::task::spawn_blocking(move || {
            let catalogue = writing.engine.catalogue();
            openai::models::written(&writing, catalogue.models());
            openrouter::models::written(&writing, catalogue.models());
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "the lists of models were not written ahead");
        }
        state.engine.catalogue().changed().await;
    }
}
