//! `/threads`, and those of an assistant.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, Uri},
};
use backstay_core::{Name, Result};
use serde_json::{Value, json};

use super::{
    assistants::part,
    client::Client,
    encodings,
    ids::{self, shown},
    thread_view::{self, Shown},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

/// A body is not needed, and one that is there says nothing.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let created = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let id = state.engine.open_thread(&caller.context, &assistant).await?;
        let store = state.engine.store().workspace(&caller.context.workspace);
        let thread = store.thread(&id).await?.ok_or_else(|| ids::not_found("Thread"))?;
        thread_view::show(&state, &caller, thread, Shown::whole(&headers)).await
    };
    created.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn list_of_assistant(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        listed(&state, &caller, Some(&assistant.scope), (&headers, &uri)).await
    };
    listed.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    listed(&state, &caller, None, (&headers, &uri)).await.map(Json).map_err(|e| caller.fail(e))
}

async fn listed(
    state: &AppState,
    caller: &Caller,
    assistant: Option<&Name>,
    (headers, uri): (&HeaderMap, &Uri),
) -> Result<Value> {
    let query = encodings::query(uri);
    let (skip, limit) = part(&query)?;
    let messages = query.flag("include_messages")?.unwrap_or(true);
    let shown = Shown { messages, client: Client::of(headers) };
    let store = state.engine.store().workspace(&caller.context.workspace);
    let mut threads = Vec::new();
    for thread in store.recent_threads(assistant, skip, limit).await? {
        // What has no UUID was named by another interface, and cannot be shown here.
        if thread.id.to_uuid().is_some() {
            threads.push(thread_view::show(state, caller, thread, shown).await?);
        }
    }
    Ok(Value::Array(threads))
}

pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let found = async {
        let thread = ids::thread(&state, &caller, &id).await?;
        thread_view::show(&state, &caller, thread, Shown::whole(&headers)).await
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let deleted = async {
        let thread = ids::thread(&state, &caller, &id).await?;
        let now = state.engine.clock().now();
        let store = state.engine.store().workspace(&caller.context.workspace);
        store.delete_thread(&thread.id, now).await?;
        Ok(json!({
            "message": "Thread deleted successfully",
            "thread_id": shown!(thread.id),
            "deleted_at": now.to_micros_text(),
        }))
    };
    deleted.await.map(Json).map_err(|e| caller.fail(e))
}
