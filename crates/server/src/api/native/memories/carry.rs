//! `/backstay/v1/memories/export` and `/import`: memory as files.

use axum::{
    Json,
    body::Body,
    extract::{Query, Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use backstay_core::{
    Error, MemoryId, Name, PortableRecord, Result, ThreadId, Timestamp,
    memory::{Confidence, NewStatement, Scope, Statement, Trust},
};
use backstay_portability::{Contents, ForeignMemory, Format, jsonl, markdown, pam};
use backstay_store::{
    ChangeOutcome, RECORDS_AT_ONCE_MAX, StatementChange, StatementState, Workspace,
};
use futures::{Stream, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{change::judged, scope};
use crate::{
    api::{body, caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// Statements whose versions are read at once.
const STATEMENTS_AT_ONCE: usize = 200;
/// Threads whose identifiers are read at once; each is read and sent by itself.
const THREADS_AT_ONCE: usize = 1_000;

#[derive(Deserialize, IntoParams)]
pub(crate) struct ExportQuery {
    assistant: Option<Name>,
    user: Option<Name>,
    /// The whole workspace: every assistant and user.
    #[serde(default)]
    everything: bool,
    /// `jsonl` (unless told), `markdown`, or `pam`: Portable AI Memory 1.0, statements only.
    format: Option<String>,
}

/// Export memory to a file. The same memory is the same file, byte for byte, wherever it is.
#[utoipa::path(
    get,
    path = "/backstay/v1/memories/export",
    tag = "memories",
    params(ExportQuery),
    responses(
        (status = 200, body = String, description = "In the format that was asked for"),
        (status = 400, body = ErrorBody)
    )
)]
pub(crate) async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    export_memory(&state, &caller, query).await.map_err(|e| caller.fail(e))
}

async fn export_memory(state: &AppState, caller: &Caller, query: ExportQuery) -> Result<Response> {
    let named = query.format.as_deref().unwrap_or(Format::Jsonl.as_str());
    let format = Format::parse(named).ok_or_else(|| {
        let known = Format::ALL.map(Format::as_str).join(", ");
        Error::invalid(format!("format is one of {known}")).with_parameter("format")
    })?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    let owner = query.user.as_ref().map_or("workspace", Name::as_str).to_owned();
    let whose = (!query.everything).then(|| scope(query.assistant, query.user));
    let body = match format {
        Format::Pam => Body::from(pam_document(&store, whose.as_ref(), &owner).await?),
        Format::Jsonl | Format::Markdown => {
            Body::from_stream(parts(store, whose, format).map_err(|error| {
                tracing::warn!(%error, "an export broke off");
                std::io::Error::other(error.to_string())
            }))
        }
    };
    Ok(([(header::CONTENT_TYPE, format.media_type())], body).into_response())
}

async fn pam_document(store: &Workspace, whose: Option<&Scope>, owner: &str) -> Result<String> {
    let mut all = Vec::new();
    let mut after: Option<MemoryId> = None;
    loop {
        let ids = store.statement_ids(whose, after.as_ref(), STATEMENTS_AT_ONCE).await?;
        let Some(last) = ids.last() else { break };
        after = Some(last.clone());
        all.extend(store.statement_versions(&ids).await?);
    }
    pam::document(owner, &all)
}

/// The file, piece by piece, so that no more of it than a thread is in memory.
fn parts(
    store: Workspace,
    whose: Option<Scope>,
    format: Format,
) -> impl Stream<Item = Result<String>> {
    async_stream::try_stream! {
        let header = if format == Format::Markdown { markdown::HEADER } else { jsonl::HEADER };
        yield header.to_owned();
        let mut after: Option<ThreadId> = None;
        loop {
            let ids = store.thread_ids(whose.as_ref(), after.as_ref(), THREADS_AT_ONCE).await?;
            let Some(last) = ids.last() else { break };
            after = Some(last.clone());
            for id in ids {
                if let Some(thread) = store.portable_thread(&id).await? {
                    yield match format {
                        Format::Markdown => markdown::thread(&thread)?,
                        _ => jsonl::line(&PortableRecord::Thread(thread))?,
                    };
                }
            }
        }
        let mut after: Option<MemoryId> = None;
        let mut is_first = true;
        loop {
            let ids = store.statement_ids(whose.as_ref(), after.as_ref(), STATEMENTS_AT_ONCE).await?;
            let Some(last) = ids.last() else { break };
            after = Some(last.clone());
            if std::mem::take(&mut is_first) && format == Format::Markdown {
                yield "\n## Statements\n".to_owned();
            }
            yield statements(&store.statement_versions(&ids).await?, format)?;
        }
    }
}

fn statements(versions: &[Statement], format: Format) -> Result<String> {
    let mut text = String::new();
    for of_one in versions.chunk_by(|left, right| left.id == right.id) {
        match format {
            Format::Markdown => text.push_str(&markdown::statement(of_one)?),
            _ => {
                for version in of_one {
                    text.push_str(&jsonl::line(&PortableRecord::Statement(Box::new(
                        version.clone(),
                    )))?);
                }
            }
        }
    }
    Ok(text)
}

#[derive(Deserialize, IntoParams)]
pub(crate) struct ImportQuery {
    /// Whose memory another program's file becomes; Backstay's own files say it themselves.
    assistant: Option<Name>,
    user: Option<Name>,
}

/// What an import did.
#[derive(Serialize, Default, ToSchema)]
pub(crate) struct ImportedBody {
    /// What the file was read as: `jsonl`, `markdown`, `pam`, `mem0`, `mcp` or `text`.
    format: &'static str,
    turns_added: usize,
    statements_added: usize,
    /// Of those that were added: kept aside, because they direct the assistant or claim rights.
    quarantined: usize,
    /// Turns and statements that were there already.
    present: usize,
    /// Turns and statements that were forgotten here, which do not come back.
    forgotten: usize,
}

/// Import memory from a file: one that was exported here, Portable AI Memory 1.0, mem0's JSON, the
/// JSON lines of MCP's memory server, or plain text with a memory a line. Importing it again adds
/// nothing. A file with a line that cannot be read is refused whole; one that is taken in is written
/// in batches, so that after another failure what came before it stays, and importing again adds the
/// rest.
#[utoipa::path(
    post,
    path = "/backstay/v1/memories/import",
    tag = "memories",
    params(ImportQuery),
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = ImportedBody), (status = 400, body = ErrorBody))
)]
pub(crate) async fn import(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> ApiResult<Json<ImportedBody>> {
    import_memory(&state, &caller, query, request).await.map(Json).map_err(|e| caller.fail(e))
}

async fn import_memory(
    state: &AppState,
    caller: &Caller,
    query: ImportQuery,
    request: Request,
) -> Result<ImportedBody> {
    let bytes = body::read(request, state.body_bytes_max).await?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::invalid("the file is not text in UTF-8; unpack an archive first"))?;
    let imported = backstay_portability::read(text)?;
    let store = state.engine.store().workspace(&caller.context.workspace);
    let mut done = ImportedBody { format: imported.format, ..ImportedBody::default() };
    match imported.contents {
        Contents::Records(records) => restore(&store, records, &mut done).await?,
        Contents::Foreign { source, memories } => {
            let scope = scope(query.assistant, query.user);
            let now = state.engine.clock().now();
            add_foreign(&store, &scope, source, memories, now, &mut done).await?;
        }
    }
    state.engine.jobs().embed_soon();
    Ok(done)
}

async fn restore(
    store: &Workspace,
    records: Vec<PortableRecord>,
    done: &mut ImportedBody,
) -> Result<()> {
    let mut records = records.into_iter().peekable();
    while records.peek().is_some() {
        let mut batch: Vec<PortableRecord> =
            records.by_ref().take(RECORDS_AT_ONCE_MAX / 2).collect();
        // The versions of one statement stay together.
        while let (Some(PortableRecord::Statement(last)), Some(PortableRecord::Statement(next))) =
            (batch.last(), records.peek())
        {
            if last.id != next.id || batch.len() == RECORDS_AT_ONCE_MAX {
                break;
            }
            batch.extend(records.next());
        }
        let restored = store.restore(batch).await?;
        done.turns_added += restored.turns_added;
        done.statements_added += restored.statements_added;
        done.present += restored.turns_present + restored.statements_present;
        done.forgotten += restored.forgotten;
    }
    Ok(())
}

async fn add_foreign(
    store: &Workspace,
    scope: &Scope,
    source: &str,
    memories: Vec<ForeignMemory>,
    now: Timestamp,
    done: &mut ImportedBody,
) -> Result<()> {
    let changes: Vec<StatementChange> = memories
        .into_iter()
        .map(|memory| StatementChange::Add(foreign_statement(memory, source, now)))
        .collect();
    for batch in changes.chunks(RECORDS_AT_ONCE_MAX) {
        for outcome in store.change_statements(scope, batch.to_vec(), now).await? {
            match outcome {
                ChangeOutcome::Added(statement) => {
                    done.statements_added += 1;
                    let is_aside = StatementState::of(&statement) == StatementState::Quarantined;
                    done.quarantined += usize::from(is_aside);
                }
                ChangeOutcome::Refused(_) => done.forgotten += 1,
                _ => done.present += 1,
            }
        }
    }
    Ok(())
}

/// Another program's memory was made by a model of its own: it has the trust of one.
fn foreign_statement(memory: ForeignMemory, source: &str, now: Timestamp) -> NewStatement {
    let trust = Trust::ModelInference;
    NewStatement {
        state: judged(&memory.text, trust, memory.kind),
        text: memory.text,
        kind: memory.kind,
        subject: memory.subject,
        confidence: Confidence::default(),
        trust,
        valid: memory.valid,
        said_at: memory.said_at.unwrap_or(now),
        expires_at: None,
        pinned: false,
        source: source.to_owned(),
        learned_by: None,
        sources: Vec::new(),
        metadata: memory.metadata,
    }
}
