//! `/backstay/v1/memories/statements` and single memories: reading them.

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{
    Error, ErrorCode, MemoryId, Name, Result,
    memory::{MemoryKind, RecalledId, Statement},
};
use backstay_memory::learn::profile;
use backstay_store::{StatementFilter, StatementSet, StatementState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{MemoryBody, scope, shown};
use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{
            openapi::ErrorBody,
            page::{ListBody, PageBody, PageQuery},
        },
    },
    state::AppState,
};

/// A memory: a turn as it was said, or a statement.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum AnyMemory {
    Turn(MemoryBody),
    Statement(Box<Statement>),
}

#[derive(Deserialize, IntoParams)]
pub(crate) struct StatementsQuery {
    assistant: Option<Name>,
    user: Option<Name>,
    /// `active`, `quarantined`, `superseded` or `retracted`; all unless told.
    state: Option<String>,
    kind: Option<MemoryKind>,
    source: Option<String>,
    subject: Option<String>,
    /// Part of the text, in any case.
    contains: Option<String>,
    pinned: Option<bool>,
    /// An object that the metadata must contain, as JSON.
    metadata: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// List statements: what was learned or stated, most recently added first.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/statements",
    tag = "memories",
    params(StatementsQuery),
    responses((status = 200, body = PageBody<Statement>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<StatementsQuery>,
) -> ApiResult<Json<PageBody<Statement>>> {
    let filter = query.filter().map_err(|e| caller.fail(e))?;
    let scope = scope(query.assistant, query.user);
    let page = PageQuery { limit: query.limit, cursor: query.cursor }.request();
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = store.list_statements(&scope, filter, page).await.map_err(|e| caller.fail(e))?;
    Ok(Json(PageBody::of(found, |statement| statement)))
}

impl StatementsQuery {
    fn filter(&self) -> Result<StatementFilter> {
        let state = self.state.as_deref().map(|named| {
            StatementState::parse(named).ok_or_else(|| {
                let known = StatementState::ALL.map(StatementState::as_str).join(", ");
                Error::invalid(format!("state is one of {known}")).with_parameter("state")
            })
        });
        let metadata = self.metadata.as_deref().map(|text| {
            serde_json::from_str(text).map_err(|cause| {
                let message = format!("metadata is not a JSON object: {cause}");
                Error::invalid(message).with_parameter("metadata")
            })
        });
        Ok(StatementFilter {
            state: state.transpose()?,
            kind: self.kind,
            source: self.source.clone(),
            subject: self.subject.clone(),
            text_contains: self.contains.clone(),
            metadata: metadata.transpose()?.unwrap_or_default(),
            pinned: self.pinned,
            ..StatementFilter::default()
        })
    }
}

/// One memory by its id: a turn (`ep_…`) or the newest version of a statement (`mem_…`).
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/{id}",
    tag = "memories",
    params(("id" = String, Path)),
    responses((status = 200, body = AnyMemory), (status = 404, body = ErrorBody))
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<AnyMemory>> {
    find(&state, &caller, &id).await.map(Json).map_err(|e| caller.fail(e))
}

async fn find(state: &AppState, caller: &Caller, id: &str) -> Result<AnyMemory> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let found = match RecalledId::parse(id) {
        Some(RecalledId::Episode(id)) => {
            store.episode(&id).await?.map(|turn| AnyMemory::Turn(shown(turn)))
        }
        Some(RecalledId::Memory(id)) => {
            store.statement(&id).await?.map(|found| AnyMemory::Statement(Box::new(found)))
        }
        // A summary is read with its thread, a chunk with its document.
        Some(RecalledId::Summary(_) | RecalledId::Chunk(_)) | None => None,
    };
    found.ok_or_else(|| missing(id))
}

pub(super) fn missing(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no memory {id}"))
}

/// How a statement came to say what it says: all its versions, and those that it took the place of
/// or that took its place, oldest first.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/{id}/history",
    tag = "memories",
    params(("id" = String, Path)),
    responses((status = 200, body = ListBody<Statement>), (status = 404, body = ErrorBody))
)]
pub(crate) async fn history(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ListBody<Statement>>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let versions = match RecalledId::parse(&id) {
        Some(RecalledId::Memory(id)) => {
            store.statement_history(&id).await.map_err(|e| caller.fail(e))?
        }
        _ => Vec::new(),
    };
    if versions.is_empty() {
        return Err(caller.fail(missing(&id)));
    }
    Ok(Json(ListBody { data: versions }))
}

#[derive(Deserialize, IntoParams)]
pub(crate) struct ProfileQuery {
    assistant: Option<Name>,
    user: Option<Name>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileBody {
    /// Empty while nothing is known.
    text: String,
    /// The statements that it was written from.
    #[schema(value_type = Vec<String>)]
    from: Vec<MemoryId>,
}

/// What is known of a user on one page, written from the statements that are active now.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/profile",
    tag = "memories",
    params(ProfileQuery),
    responses((status = 200, body = ProfileBody))
)]
pub(crate) async fn profile(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ProfileQuery>,
) -> ApiResult<Json<ProfileBody>> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let scope = scope(query.assistant, query.user);
    let known = store.scope_statements(&scope, StatementSet::Believed).await;
    let known = known.map_err(|e| caller.fail(e))?.statements;
    let page = profile::profile(&known);
    let from = page.from.iter().map(|statement| statement.id.clone()).collect();
    Ok(Json(ProfileBody { text: page.text, from }))
}
