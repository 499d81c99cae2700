//! `/backstay/v1/memories`: the turns that are remembered and finding them; statements, forgetting
//! and figures in the files beside.

pub(crate) mod carry;
pub(crate) mod change;
pub(crate) mod forget;
pub(crate) mod policy;
pub(crate) mod statements;
pub(crate) mod stats;

use axum::{
    Json,
    extract::{Query, Request, State},
};
use backstay_core::{
    EpisodeId, Error, Name, Result, ThreadId, Timestamp,
    memory::{RecallFilter, Recalled, Scope},
};
use backstay_memory::RecallOptions;
use backstay_store::StoredEpisode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        body,
        caller::Caller,
        dialect::ApiResult,
        native::{
            openapi::ErrorBody,
            page::{ListBody, PageBody, PageQuery},
        },
    },
    state::AppState,
};

/// One search looks at no more than this many memories' details.
const SEARCH_LIMIT_MAX: usize = 100;

#[derive(Deserialize, IntoParams)]
pub(crate) struct ListQuery {
    assistant: Option<Name>,
    user: Option<Name>,
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MemoryBody {
    id: EpisodeId,
    text: String,
    author: String,
    said_at: Timestamp,
    thread: ThreadId,
    assistant: Name,
    user: Option<Name>,
}

pub(super) fn scope(assistant: Option<Name>, user: Option<Name>) -> Scope {
    Scope { assistant: assistant.unwrap_or_else(Name::default_assistant), user }
}

/// List the turns that are remembered, newest first.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories",
    tag = "memories",
    params(ListQuery),
    responses((status = 200, body = PageBody<MemoryBody>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<PageBody<MemoryBody>>> {
    let scope = scope(query.assistant, query.user);
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = store.list_episodes(&scope, page.request()).await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(found, shown)))
}

pub(super) fn shown(stored: StoredEpisode) -> MemoryBody {
    MemoryBody {
        id: stored.episode.id,
        text: stored.episode.text,
        author: stored.episode.author,
        said_at: stored.episode.said_at,
        thread: stored.episode.thread,
        assistant: stored.scope.assistant,
        user: stored.scope.user,
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchBody {
    query: String,
    #[serde(default)]
    assistant: Option<Name>,
    #[serde(default)]
    user: Option<Name>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    filter: RecallFilter,
}

/// Find what is remembered about a question, best first, each with why it was found.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories/search",
    tag = "memories",
    request_body = SearchBody,
    responses((status = 200, body = ListBody<Recalled>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ListBody<Recalled>>> {
    let found = search_memories(&state, &caller, request).await.map_err(|e| caller.fail(e))?;
    Ok(Json(ListBody { data: found }))
}

async fn search_memories(
    state: &AppState,
    caller: &Caller,
    request: Request,
) -> Result<Vec<Recalled>> {
    let body: SearchBody = body::read_json(request, state.body_bytes_max).await?;
    let limit = body.limit.unwrap_or(10);
    if !(1..=SEARCH_LIMIT_MAX).contains(&limit) {
        let message = format!("limit must be between 1 and {SEARCH_LIMIT_MAX}");
        return Err(Error::invalid(message).with_parameter("limit"));
    }
    let scope = scope(body.assistant, body.user);
    let workspace = &caller.context.workspace;
    let now = state.engine.clock().now();
    let options = RecallOptions { limit, filter: body.filter, ..RecallOptions::at(now) };
    state.engine.memory().search(workspace, &scope, &body.query, options).await
}
