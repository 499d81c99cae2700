//! Adding, changing and merging statements by hand.

use axum::{
    Json,
    extract::{Path, Request, State},
};
use backstay_core::{
    Error, ErrorCode, MemoryId, Name, Result, Timestamp,
    memory::{
        Confidence, MemoryKind, MemoryState, NewStatement, Scope, SourceQuote, Statement, Trust,
        Validity,
    },
};
use backstay_memory::safety::{self, Verdict};
use backstay_store::{ChangeOutcome, Refusal, StatementChange, Workspace};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{scope, statements::missing};
use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// The source of what is stated through this API.
const SOURCE: &str = "api";

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddBody {
    /// One statement, in a sentence or a few.
    text: String,
    #[serde(default)]
    assistant: Option<Name>,
    #[serde(default)]
    user: Option<Name>,
    #[serde(default)]
    kind: MemoryKind,
    /// Whom or what it is about.
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    confidence: Confidence,
    /// When it holds in the world.
    #[serde(default)]
    valid: Validity,
    /// Now unless told.
    #[serde(default)]
    said_at: Option<Timestamp>,
    /// After this moment it is deleted, unless it is pinned.
    #[serde(default)]
    expires_at: Option<Timestamp>,
    #[serde(default)]
    pinned: bool,
    #[serde(default)]
    metadata: Map<String, Value>,
    /// Whose words these are: the user's own unless told. What a document, a tool or a third party
    /// says may not direct the assistant, and of one source only so much is recalled.
    #[serde(default)]
    trust: Trust,
    /// Where it comes from, to be forgotten together: `document:handbook.pdf`. `api` unless told;
    /// must be told for a document, a tool or a third party.
    #[serde(default)]
    source: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ChangedBody {
    outcome: Changed,
    memory: Statement,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Changed {
    Added,
    /// It said this already.
    Unchanged,
    Revised,
    Merged,
}

/// State something to be remembered. What directs the assistant or claims rights is quarantined:
/// kept, and not recalled.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories",
    tag = "memories",
    request_body = AddBody,
    responses((status = 200, body = ChangedBody), (status = 400, body = ErrorBody))
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ChangedBody>> {
    add_statement(&state, &caller, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn add_statement(state: &AppState, caller: &Caller, request: Request) -> Result<ChangedBody> {
    let body: AddBody = body::read_json(request, state.body_bytes_max).await?;
    if body.source.is_none() && body.trust.source_cap().is_some() {
        let message = "name the source of what a document, a tool or a third party says, as in \
                       document:handbook.pdf, so that it can be forgotten together";
        return Err(Error::invalid(message).with_parameter("source"));
    }
    let now = state.engine.clock().now();
    let scope = scope(body.assistant, body.user);
    let said = NewStatement {
        state: judged(&body.text, body.trust, body.kind),
        text: body.text,
        kind: body.kind,
        subject: body.subject,
        confidence: body.confidence,
        trust: body.trust,
        valid: body.valid,
        said_at: body.said_at.unwrap_or(now),
        expires_at: body.expires_at,
        pinned: body.pinned,
        source: body.source.unwrap_or_else(|| SOURCE.to_owned()),
        learned_by: None,
        sources: Vec::new(),
        metadata: body.metadata,
    };
    let store = state.engine.store().workspace(&caller.context.workspace);
    let changed = change(state, &store, &scope, vec![StatementChange::Add(said)]).await?;
    changed_body(changed)
}

/// What is left out stays as it is; a null takes it away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateBody {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    kind: Option<MemoryKind>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    subject: Option<Option<String>>,
    #[serde(default)]
    confidence: Option<Confidence>,
    #[serde(default)]
    valid: Option<Validity>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Timestamp>)]
    expires_at: Option<Option<Timestamp>>,
    #[serde(default)]
    pinned: Option<bool>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    /// True lets a quarantined memory be recalled after a person has looked at it, false sets one
    /// aside.
    #[serde(default)]
    active: Option<bool>,
    /// Fails with `conflict` when the memory has another version by now.
    #[serde(default)]
    version: Option<u32>,
}

/// A field that is there, be it null.
fn given<'de, T, D>(deserializer: D) -> std::result::Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Make the next version of a statement. The one before stays in its history.
#[utoipa::path(
    patch,
    path = "/backstay/v1/memories/{id}",
    tag = "memories",
    params(("id" = String, Path)),
    request_body = UpdateBody,
    responses(
        (status = 200, body = ChangedBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(crate) async fn update(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Json<ChangedBody>> {
    update_statement(&state, &caller, &id, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn update_statement(
    state: &AppState,
    caller: &Caller,
    id: &str,
    request: Request,
) -> Result<ChangedBody> {
    let body: UpdateBody = body::read_json(request, state.body_bytes_max).await?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    let before = statement(&store, id).await?;
    let mut said = before.said;
    if let Some(text) = body.text.filter(|text| *text != said.text) {
        said.state = judged(&text, Trust::DirectUser, body.kind.unwrap_or(said.kind));
        said.text = text;
        // These are a person's words now, and nobody else's turns prove them.
        said.trust = Trust::DirectUser;
        said.learned_by = None;
    }
    said.kind = body.kind.unwrap_or(said.kind);
    said.subject = body.subject.unwrap_or(said.subject);
    said.confidence = body.confidence.unwrap_or(said.confidence);
    said.valid = body.valid.unwrap_or(said.valid);
    said.expires_at = body.expires_at.unwrap_or(said.expires_at);
    said.pinned = body.pinned.unwrap_or(said.pinned);
    said.metadata = body.metadata.unwrap_or(said.metadata);
    said.state = match body.active {
        Some(true) => MemoryState::Active,
        Some(false) => MemoryState::Quarantined("set aside by hand".to_owned()),
        None => said.state,
    };
    let revise = StatementChange::Revise {
        id: before.id,
        expected_version: body.version.or(Some(before.version)),
        statement: said,
    };
    changed_body(change(state, &store, &before.scope, vec![revise]).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    /// The statement that stays.
    into: String,
    /// Those that it takes the place of; their sources become its own.
    from: Vec<String>,
    /// What it says then; as before unless told.
    #[serde(default)]
    text: Option<String>,
}

/// One merge takes no more than this.
const MERGE_MAX: usize = 100;

/// Merge statements into one, which rests on the turns of all. The others stay in its history.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories/merge",
    tag = "memories",
    request_body = MergeBody,
    responses(
        (status = 200, body = ChangedBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(crate) async fn merge(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ChangedBody>> {
    merge_statements(&state, &caller, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn merge_statements(
    state: &AppState,
    caller: &Caller,
    request: Request,
) -> Result<ChangedBody> {
    let body: MergeBody = body::read_json(request, state.body_bytes_max).await?;
    if !(1..=MERGE_MAX).contains(&body.from.len()) || body.from.contains(&body.into) {
        let message = format!("from names 1 to {MERGE_MAX} memories, and not the one that stays");
        return Err(Error::invalid(message).with_parameter("from"));
    }
    let store = state.engine.store().workspace(&caller.context.workspace);
    let into = statement(&store, &body.into).await?;
    let mut sources: Vec<SourceQuote> = Vec::new();
    let mut ids: Vec<MemoryId> = Vec::new();
    for id in &body.from {
        let other = statement(&store, id).await?;
        if other.scope != into.scope {
            let message = format!("memory {id} belongs to another assistant or user");
            return Err(Error::invalid(message).with_parameter("from"));
        }
        sources.extend(other.said.sources);
        ids.push(other.id);
    }
    let mut said = into.said;
    if let Some(text) = body.text {
        said.state = judged(&text, Trust::DirectUser, said.kind);
        said.text = text;
    }
    let merge = StatementChange::Merge { id: into.id, statement: said.clone(), sources };
    let at = state.engine.clock().now();
    let supersede = StatementChange::Supersede { ids, by: said, at };
    change(state, &store, &into.scope, vec![merge, supersede]).await?;
    let memory = statement(&store, &body.into).await?;
    Ok(ChangedBody { outcome: Changed::Merged, memory })
}

/// Every statement is judged before it is remembered, a person's own like any other.
pub(crate) fn judged(text: &str, trust: Trust, kind: MemoryKind) -> MemoryState {
    match safety::judge(text, trust, kind) {
        Verdict::Fine => MemoryState::Active,
        Verdict::Quarantine(reason) => MemoryState::Quarantined(reason),
    }
}

async fn statement(store: &Workspace, id: &str) -> Result<Statement> {
    let found = match MemoryId::parse(id) {
        Some(parsed) => store.statement(&parsed).await?,
        None => None,
    };
    found.ok_or_else(|| missing(id))
}

/// Makes the changes; what came of the last.
async fn change(
    state: &AppState,
    store: &Workspace,
    scope: &Scope,
    changes: Vec<StatementChange>,
) -> Result<ChangeOutcome> {
    let now = state.engine.clock().now();
    let outcomes = store.change_statements(scope, changes, now).await?;
    state.engine.jobs().embed_soon();
    outcomes.into_iter().last().ok_or_else(|| Error::internal("a change had no outcome"))
}

fn changed_body(outcome: ChangeOutcome) -> Result<ChangedBody> {
    let (outcome, memory) = match outcome {
        ChangeOutcome::Added(memory) => (Changed::Added, memory),
        ChangeOutcome::Present(memory) => (Changed::Unchanged, memory),
        ChangeOutcome::Revised(memory) | ChangeOutcome::Retracted(memory) => {
            (Changed::Revised, memory)
        }
        ChangeOutcome::Superseded { by, .. } => (Changed::Merged, by),
        ChangeOutcome::Refused(Refusal::Forgotten) => {
            let message = "this was forgotten, and only a person's own statement brings it back";
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        ChangeOutcome::Refused(Refusal::SourcesGone) => {
            let message = "the turns that this rests on were forgotten; state it anew";
            return Err(Error::new(ErrorCode::Conflict, message));
        }
    };
    Ok(ChangedBody { outcome, memory })
}
