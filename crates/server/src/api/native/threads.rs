//! `/backstay/v1/threads`: conversations and their messages.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{Error, ErrorCode, ThreadId};
use backstay_store::{StoredMessage, Thread};
use serde_json::{Value, json};

use crate::{
    api::{
        caller::Caller,
        dialect::{ApiError, ApiResult},
        native::page::{PageBody, PageQuery},
    },
    state::AppState,
};

const MESSAGES_DEFAULT: usize = 100;
const MESSAGES_MAX: usize = 1_000;

/// Most recently used first.
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Value>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let page = store.list_threads(query.request()).await.map_err(|e| caller.fail(e))?;
    Ok(Json(json!(PageBody::of(page, |thread| shown(&thread)))))
}

pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    find(&state, &caller, &id).await.map(|thread| Json(shown(&thread)))
}

/// The newest messages, in the order in which they were said.
pub(crate) async fn messages(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Value>> {
    let thread = find(&state, &caller, &id).await?;
    let limit = query.limit.unwrap_or(MESSAGES_DEFAULT).clamp(1, MESSAGES_MAX);
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = store.thread_messages(&thread.id, limit).await.map_err(|e| caller.fail(e))?;
    let data: Vec<Value> = found.iter().map(message).collect();
    Ok(Json(json!({"data": data})))
}

/// Deletes a thread with its messages and what was remembered of it.
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let thread = find(&state, &caller, &id).await?;
    let workspace = &caller.context.workspace;
    let store = state.engine.store().workspace(workspace);
    let deleted = store.delete_thread(&thread.id).await.map_err(|e| caller.fail(e))?;
    Ok(Json(json!({"id": thread.id, "deleted": deleted})))
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Result<Thread, ApiError> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let missing =
        || caller.fail(Error::new(ErrorCode::NotFound, format!("there is no thread {id}")));
    let parsed = ThreadId::parse(id).ok_or_else(missing)?;
    store.thread(&parsed).await.map_err(|e| caller.fail(e))?.ok_or_else(missing)
}

fn shown(thread: &Thread) -> Value {
    json!({
        "id": thread.id,
        "assistant": thread.scope.assistant,
        "user": thread.scope.user,
        "title": thread.title,
        "created_at": thread.created_at,
        "updated_at": thread.updated_at,
        "messages": thread.message_count,
    })
}

fn message(stored: &StoredMessage) -> Value {
    json!({
        "id": stored.id,
        "position": stored.position,
        "role": stored.message.role,
        "author": stored.author,
        "text": stored.message.text(),
        "parts": stored.message.parts,
        "said_at": stored.said_at,
        "generation": stored.generation,
        "incomplete": stored.incomplete,
    })
}
