//! `/backstay/v1/documents`: files in which a model looks things up.

mod content;
pub(super) mod search;
mod upload;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use backstay_core::{
    DocumentId, Error, ErrorCode, MessageId, Name, Result, ThreadId, document::DocumentOwner,
};
use backstay_store::{Document, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    api::{
        caller::Caller,
        dialect::ApiResult,
        native::{openapi::ErrorBody, page::PageBody},
    },
    state::AppState,
};

pub(crate) use content::__path_content;
pub(crate) use content::content;
pub(crate) use upload::__path_upload;
pub(crate) use upload::upload;

/// Whose documents: an assistant's, a thread's, or those of a message of a thread.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those of this assistant.
    assistant: Option<Name>,
    /// Only those of this thread.
    thread: Option<String>,
    /// With `thread`: only those that came with this message.
    message: Option<String>,
    /// Items on a page, 50 unless told.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedDocument {
    id: DocumentId,
    filename: String,
    deleted: bool,
}

/// List documents, newest first.
#[utoipa::path(
    get,
    path = "/backstay/v1/documents",
    tag = "documents",
    params(ListQuery),
    responses((status = 200, body = PageBody<Document>), (status = 400, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<PageBody<Document>>> {
    let ListQuery { assistant, thread, message, limit, cursor } = query;
    let owner = Owner { assistant, thread, message }.named().map_err(|e| caller.fail(e))?;
    let page = PageRequest { limit: limit.unwrap_or(PageRequest::default().limit), cursor };
    let found = state.engine.list_documents(&caller.context, owner.as_ref(), page).await;
    Ok(Json(PageBody::of(found.map_err(|e| caller.fail(e))?, |document| document)))
}

/// One document: how far it is, and why it cannot be read if it cannot.
#[utoipa::path(
    get,
    path = "/backstay/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path)),
    responses((status = 200, body = Document), (status = 404, body = ErrorBody))
)]
pub(crate) async fn one(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Document>> {
    let id = parsed(&id).map_err(|e| caller.fail(e))?;
    let found = state.engine.document(&caller.context, &id).await;
    found.map(Json).map_err(|e| caller.fail(e))
}

/// Delete a document for good, with its passages, their vectors and its bytes.
#[utoipa::path(
    delete,
    path = "/backstay/v1/documents/{id}",
    tag = "documents",
    params(("id" = String, Path)),
    responses((status = 200, body = DeletedDocument), (status = 404, body = ErrorBody))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<DeletedDocument>> {
    let id = parsed(&id).map_err(|e| caller.fail(e))?;
    let gone = state.engine.delete_document(&caller.context, &id).await;
    let Document { id, filename, .. } = gone.map_err(|e| caller.fail(e))?;
    Ok(Json(DeletedDocument { id, filename, deleted: true }))
}

/// An identifier that has not the form of one is as unknown as any other.
fn parsed(id: &str) -> Result<DocumentId> {
    let unknown = || Error::new(ErrorCode::NotFound, format!("there is no document {id}"));
    DocumentId::parse(id).ok_or_else(unknown)
}

/// An owner as requests name it.
#[derive(Default)]
struct Owner {
    assistant: Option<Name>,
    thread: Option<String>,
    message: Option<String>,
}

impl Owner {
    /// `None` where none is named.
    fn named(self) -> Result<Option<DocumentOwner>> {
        let thread = self.thread.as_deref().map(thread).transpose()?;
        let message = self.message.map(|id| {
            MessageId::parse(&id).ok_or_else(|| {
                Error::invalid(format!("{id} is not the id of a message")).with_parameter("message")
            })
        });
        Ok(match (self.assistant, thread, message.transpose()?) {
            (None, None, None) => None,
            (Some(assistant), None, None) => Some(DocumentOwner::Assistant { assistant }),
            (None, Some(thread), None) => Some(DocumentOwner::Thread { thread }),
            (None, Some(thread), Some(message)) => Some(DocumentOwner::Message { thread, message }),
            (Some(_), _, _) => {
                let message = "a document is an assistant's or a thread's: name one of them";
                return Err(Error::invalid(message).with_parameter("assistant"));
            }
            (None, None, Some(_)) => {
                let message = "name the thread of the message too";
                return Err(Error::invalid(message).with_parameter("thread"));
            }
        })
    }
}

fn thread(id: &str) -> Result<ThreadId> {
    let unknown = || Error::new(ErrorCode::NotFound, format!("there is no thread {id}"));
    ThreadId::parse(id).ok_or_else(unknown)
}
