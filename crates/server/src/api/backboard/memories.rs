//! `/assistants/{assistant}/memories`: what an assistant knows, as statements.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{StatusCode, Uri},
};
use backstay_core::{
    Error, Result, Timestamp,
    memory::{
        Confidence, MemoryKind, NewStatement, RecalledId, Statement, Trust, VERBATIM_SOURCE,
        Validity,
    },
};
use backstay_memory::RecallOptions;
use backstay_store::{Assistant, ChangeOutcome, StatementChange, StatementSet, Workspace};
use serde_json::{Map, Value, json};

use super::{
    encodings,
    ids::{self, not_found},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult, native::judged},
    state::AppState,
};

const PAGE_SIZE_DEFAULT: u64 = 25;
const PAGE_SIZE_MAX: u64 = 100;
const FOUND_DEFAULT: u64 = 5;
const FOUND_MAX: u64 = 50;

/// Newest first. Without a page everything: applications keep whole files in memories.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    uri: Uri,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let query = encodings::query(&uri);
        let (page, size) = (query.integer("page")?, query.integer("page_size")?);
        let known = known(&state, &caller, &assistant).await?;
        let total = known.len();
        let Some(page) = page else {
            let memories: Vec<Value> = known.iter().map(show).collect();
            return Ok(json!({"memories": memories, "total_count": total}));
        };
        let (page, size) = (page.max(1), size.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX));
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let skip = number(page.saturating_sub(1).saturating_mul(size));
        let memories: Vec<Value> = known.iter().skip(skip).take(number(size)).map(show).collect();
        Ok(json!({
            "memories": memories,
            "total_count": total,
            "page": page,
            "page_size": size,
            "total_pages": total.div_ceil(number(size)),
        }))
    };
    listed.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    request: Request,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let added = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let (fields, _) = encodings::read(&state, request).await?;
        let content = content(fields.text("content")?)?;
        let said = stated(content, fields.object("metadata")?.unwrap_or_default(), now(&state));
        let change = StatementChange::Add(said);
        let memory = changed(&state, &caller, &assistant, change).await?;
        Ok(json!({
            "success": true,
            "memory_id": memory.id,
            "content": memory.said.text,
            "metadata": memory.said.metadata,
        }))
    };
    let body = added.await.map_err(|e| caller.fail(e))?;
    Ok((StatusCode::CREATED, Json(body)))
}

pub(super) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path((assistant, memory)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let found = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        match find(&state, &caller, &assistant, &memory).await? {
            Found::Statement(statement) => Ok(show(&statement)),
            Found::Turn { text, said_at } => {
                let at = said_at.to_micros_text();
                Ok(json!({"id": memory, "content": text, "metadata": null, "created_at": at,
                    "updated_at": at}))
            }
        }
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

/// The text is replaced, and what is kept beside it if the body has that.
pub(super) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path((assistant, memory)): Path<(String, String)>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let updated = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let Found::Statement(before) = find(&state, &caller, &assistant, &memory).await? else {
            return Err(Error::invalid("a turn of a conversation cannot be changed; add a memory"));
        };
        let (fields, _) = encodings::read(&state, request).await?;
        let content = content(fields.text("content")?)?;
        let metadata = fields.object("metadata")?.unwrap_or_else(|| before.said.metadata.clone());
        let sources = before.said.sources.clone();
        let statement = NewStatement {
            kind: before.said.kind,
            sources,
            pinned: before.said.pinned,
            ..stated(content, metadata, now(&state))
        };
        let id = before.id.clone();
        let change = StatementChange::Revise { id, expected_version: None, statement };
        changed(&state, &caller, &assistant, change).await.map(|memory| show(&memory))
    };
    updated.await.map(Json).map_err(|e| caller.fail(e))
}

/// It is not recalled again, also not as the turn that it was learned from; threads stay as they are.
pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path((assistant, memory)): Path<(String, String)>,
) -> ApiResult<Json<Value>> {
    let deleted = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        find(&state, &caller, &assistant, &memory).await?;
        let id = RecalledId::parse(&memory).ok_or_else(|| not_found("Memory"))?;
        let workspace = &caller.context.workspace;
        state.engine.memory().withdraw(workspace, &id, now(&state)).await?;
        Ok(json!({"success": true, "message": "Memory deleted successfully"}))
    };
    deleted.await.map(Json).map_err(|e| caller.fail(e))
}

/// Empties the memory; threads stay as they are.
pub(super) async fn reset(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
) -> ApiResult<Json<Value>> {
    let emptied = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let store = store(&state, &caller);
        let gone = store.reset_memory(&assistant.memory_scope(), now(&state)).await?;
        let message = format!("{} memories deleted", gone.count());
        Ok(json!({"success": true, "message": message}))
    };
    emptied.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn search(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let found = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let (fields, _) = encodings::read(&state, request).await?;
        let question = fields.text("query")?.filter(|query| !query.trim().is_empty());
        let question = question.ok_or_else(|| {
            Error::invalid("`query` is empty; say what to look for").with_parameter("query")
        })?;
        let limit = fields.integer("limit")?.unwrap_or(FOUND_DEFAULT).clamp(1, FOUND_MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let options = RecallOptions { limit, ..RecallOptions::at(now(&state)) };
        let (workspace, scope) = (&caller.context.workspace, assistant.memory_scope());
        let found = state.engine.memory().search(workspace, &scope, &question, options).await?;
        let memories: Vec<Value> = found
            .iter()
            .map(|found| {
                let at = found.said_at.to_micros_text();
                json!({"id": found.id.to_string(), "content": found.text, "memory": found.text,
                    "score": found.score, "metadata": null, "created_at": at, "updated_at": at})
            })
            .collect();
        Ok(json!({"total_count": memories.len(), "memories": memories}))
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

enum Found {
    Statement(Box<Statement>),
    /// A turn that was recalled as it was said.
    Turn {
        text: String,
        said_at: Timestamp,
    },
}

async fn find(state: &AppState, caller: &Caller, assistant: &Assistant, id: &str) -> Result<Found> {
    let (store, scope) = (store(state, caller), assistant.memory_scope());
    let found = match RecalledId::parse(id) {
        Some(RecalledId::Memory(id)) => {
            let statement = store.statement(&id).await?;
            let is_believed = |statement: &Statement| statement.retracted_at.is_none();
            let own = statement.filter(|known| known.scope == scope && is_believed(known));
            own.map(|statement| Found::Statement(Box::new(statement)))
        }
        Some(RecalledId::Episode(id)) => {
            let turn = store.episode(&id).await?.filter(|turn| turn.scope == scope);
            turn.map(|turn| Found::Turn { text: turn.episode.text, said_at: turn.episode.said_at })
        }
        Some(RecalledId::Summary(_) | RecalledId::Chunk(_)) | None => None,
    };
    found.ok_or_else(|| not_found("Memory"))
}

/// What an assistant believes, newest first.
pub(super) async fn known(
    state: &AppState,
    caller: &Caller,
    assistant: &Assistant,
) -> Result<Vec<Statement>> {
    let scope = assistant.memory_scope();
    let found = store(state, caller).scope_statements(&scope, StatementSet::Believed).await?;
    let mut known = found.statements;
    known.sort_by(|a, b| (b.recorded_at, &b.id).cmp(&(a.recorded_at, &a.id)));
    Ok(known)
}

async fn changed(
    state: &AppState,
    caller: &Caller,
    assistant: &Assistant,
    change: StatementChange,
) -> Result<Statement> {
    let scope = assistant.memory_scope();
    let outcomes = store(state, caller).change_statements(&scope, vec![change], now(state)).await?;
    state.engine.jobs().embed_soon();
    let statement = outcomes.first().and_then(ChangeOutcome::statement).cloned();
    statement.ok_or_else(|| Error::internal("a statement by hand was refused"))
}

/// What an application states is kept word for word.
fn stated(text: String, metadata: Map<String, Value>, now: Timestamp) -> NewStatement {
    let kind = MemoryKind::default();
    NewStatement {
        state: judged(&text, Trust::DirectUser, kind),
        text,
        kind,
        subject: None,
        confidence: Confidence::CERTAIN,
        trust: Trust::DirectUser,
        valid: Validity::default(),
        said_at: now,
        expires_at: None,
        pinned: false,
        source: VERBATIM_SOURCE.to_owned(),
        learned_by: None,
        sources: Vec::new(),
        metadata,
    }
}

fn content(text: Option<String>) -> Result<String> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| {
        Error::invalid("`content` is empty; say what to remember").with_parameter("content")
    })
}

fn show(statement: &Statement) -> Value {
    json!({
        "id": statement.id,
        "content": statement.said.text,
        "metadata": statement.said.metadata,
        "score": null,
        "created_at": statement.said.said_at.to_micros_text(),
        "updated_at": statement.recorded_at.to_micros_text(),
    })
}

pub(super) fn store(state: &AppState, caller: &Caller) -> Workspace {
    state.engine.store().workspace(&caller.context.workspace)
}

fn now(state: &AppState) -> Timestamp {
    state.engine.clock().now()
}
