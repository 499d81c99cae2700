//! `/backstay/v1/threads`: conversations and their messages.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{
    Error, ErrorCode, GenerationId, MessageId, Name, ThreadId, Timestamp,
    chat::{Part, Role},
};
use backstay_store::{StoredMessage, Thread};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        caller::Caller,
        dialect::{ApiError, ApiResult},
        native::{
            openapi::ErrorBody,
            page::{ListBody, PageBody, PageQuery},
        },
    },
    state::AppState,
};

const MESSAGES_DEFAULT: usize = 100;
const MESSAGES_MAX: usize = 1_000;

#[derive(Serialize, ToSchema)]
pub(crate) struct ThreadBody {
    id: ThreadId,
    assistant: Name,
    user: Option<Name>,
    title: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// How many there are.
    messages: u32,
    /// Whether nothing of it is remembered.
    incognito: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ThreadDetail {
    #[serde(flatten)]
    thread: ThreadBody,
    /// What it is about, as the model that learns wrote it; null until there is one.
    summary: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MessageBody {
    id: MessageId,
    position: u32,
    #[schema(value_type = String, example = "user")]
    role: Role,
    author: String,
    text: String,
    /// The message as it was, with pictures, tool calls and the rest.
    #[schema(value_type = Vec<Object>)]
    parts: Vec<Part>,
    said_at: Timestamp,
    /// The model call that it was said in; null when it was imported.
    generation: Option<GenerationId>,
    /// The answer broke off.
    incomplete: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedBody {
    id: ThreadId,
    deleted: bool,
}

/// List threads, most recently used first.
#[utoipa::path(
    get,
    path = "/backstay/v1/threads",
    tag = "threads",
    params(PageQuery),
    responses((status = 200, body = PageBody<ThreadBody>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<PageBody<ThreadBody>>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let page = store.list_threads(query.request()).await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(page, shown)))
}

/// One thread.
#[utoipa::path(
    get,
    path = "/backstay/v1/threads/{id}",
    tag = "threads",
    params(("id" = String, Path)),
    responses((status = 200, body = ThreadDetail), (status = 404, body = ErrorBody))
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ThreadDetail>> {
    let thread = find(&state, &caller, &id).await?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    let summary = store.thread_summary(&thread.id).await.map_err(|e| caller.fail(e))?;
    let summary = summary.map(|summary| summary.text);
    Ok(Json(ThreadDetail { thread: shown(thread), summary }))
}

/// The newest messages of a thread, in the order in which they were said.
#[utoipa::path(
    get,
    path = "/backstay/v1/threads/{id}/messages",
    tag = "threads",
    params(("id" = String, Path), ("limit" = Option<usize>, Query, description = "100 unless told")),
    responses((status = 200, body = ListBody<MessageBody>), (status = 404, body = ErrorBody))
)]
pub(crate) async fn messages(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<ListBody<MessageBody>>> {
    let thread = find(&state, &caller, &id).await?;
    let limit = query.limit.unwrap_or(MESSAGES_DEFAULT).clamp(1, MESSAGES_MAX);
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = store.thread_messages(&thread.id, limit).await.map_err(|e| caller.fail(e))?;
    Ok(Json(ListBody { data: found.into_iter().map(message).collect() }))
}

/// Delete a thread with its messages and what was remembered of it.
#[utoipa::path(
    delete,
    path = "/backstay/v1/threads/{id}",
    tag = "threads",
    params(("id" = String, Path)),
    responses((status = 200, body = DeletedBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DeletedBody>> {
    let thread = find(&state, &caller, &id).await?;
    let workspace = &caller.context.workspace;
    let store = state.engine.store().workspace(workspace);
    let deleted = store
        .delete_thread(&thread.id, state.engine.clock().now())
        .await
        .map_err(|e| caller.fail(e))?;
    Ok(Json(DeletedBody { id: thread.id, deleted }))
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Result<Thread, ApiError> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let missing =
        || caller.fail(Error::new(ErrorCode::NotFound, format!("there is no thread {id}")));
    let parsed = ThreadId::parse(id).ok_or_else(missing)?;
    store.thread(&parsed).await.map_err(|e| caller.fail(e))?.ok_or_else(missing)
}

fn shown(thread: Thread) -> ThreadBody {
    ThreadBody {
        id: thread.id,
        assistant: thread.scope.assistant,
        user: thread.scope.user,
        title: thread.title,
        created_at: thread.created_at,
        updated_at: thread.updated_at,
        messages: thread.message_count,
        incognito: thread.incognito,
    }
}

fn message(stored: StoredMessage) -> MessageBody {
    MessageBody {
        id: stored.id,
        position: stored.position,
        role: stored.message.role,
        author: stored.author,
        text: stored.message.text(),
        parts: stored.message.parts,
        said_at: stored.said_at,
        generation: stored.generation,
        incomplete: stored.incomplete,
    }
}
