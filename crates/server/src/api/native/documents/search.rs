//! Finding passages.

use axum::{
    Json,
    extract::{Request, State},
};
use backstay_core::{
    DocumentId, Name,
    document::{DocumentScope, Passage},
};
use backstay_engine::DocumentQuestion;
use serde::Deserialize;
use utoipa::ToSchema;

use super::thread;
use crate::{
    api::{
        body,
        caller::Caller,
        dialect::ApiResult,
        native::{openapi::ErrorBody, page::ListBody},
    },
    state::AppState,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchDocuments {
    /// What to look for: a question, or a few words.
    question: String,
    /// In this assistant's documents.
    #[serde(default)]
    assistant: Option<Name>,
    /// In the documents of this thread and its messages; with `assistant` in both. With neither it is
    /// all documents of the workspace.
    #[serde(default)]
    thread: Option<String>,
    /// Only in these of them.
    #[serde(default)]
    documents: Vec<DocumentId>,
    /// Passages at most, 1 to 100; 10 unless told.
    #[serde(default)]
    limit: Option<usize>,
}

/// Find the passages of documents that bear on a question, best first, by words and meaning.
#[utoipa::path(
    post,
    path = "/backstay/v1/documents/search",
    tag = "documents",
    request_body = SearchDocuments,
    responses((status = 200, body = ListBody<Passage>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<ListBody<Passage>>> {
    let asked: SearchDocuments =
        body::read_json(request, state.body_bytes_max).await.map_err(|e| caller.fail(e))?;
    let thread = asked.thread.as_deref().map(thread).transpose().map_err(|e| caller.fail(e))?;
    let question = DocumentQuestion {
        question: asked.question,
        scope: DocumentScope { assistant: asked.assistant, thread },
        documents: asked.documents,
        limit: asked.limit,
    };
    let found = state.engine.search_documents(&caller.context, question).await;
    Ok(Json(ListBody { data: found.map_err(|e| caller.fail(e))? }))
}
