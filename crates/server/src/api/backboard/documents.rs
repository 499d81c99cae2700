//! `/documents`, and those of assistants and threads.

use async_stream::try_stream;
use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, header},
};
use backstay_core::{DocumentId, Error, Result, document::DocumentOwner};
use backstay_engine::{BytesStream, DocumentUpload};
use backstay_store::PageRequest;
use multer::{Field, Multipart};
use serde_json::{Map, Value, json};

use super::{
    client::Client,
    document_view::show,
    ids::{self, shown},
};
use crate::{
    api::{caller::Caller, dialect::ApiResult},
    state::AppState,
};

const FILE: &str = "file";
const PAGE: usize = 200;
/// What clients look for before they send a file, and so what may come.
const EXTENSIONS: [&str; 52] = [
    "pdf", "doc", "docx", "ppt", "pptx", "xls", "xlsx", "txt", "csv", "md", "markdown", "json",
    "jsonl", "xml", "py", "js", "ts", "jsx", "tsx", "html", "css", "cpp", "c", "h", "java", "go",
    "rs", "rb", "php", "sql", "png", "jpg", "jpeg", "webp", "gif", "bmp", "tiff", "tif", "mp3",
    "wav", "m4a", "ogg", "flac", "aac", "mp4", "mov", "avi", "mkv", "mpeg", "mpg", "webm", "htm",
];

pub(super) async fn upload_to_assistant(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let added = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let owner = DocumentOwner::Assistant { assistant: assistant.scope };
        upload(&state, &caller, owner, request).await
    };
    added.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn upload_to_thread(
    State(state): State<AppState>,
    caller: Caller,
    Path(thread): Path<String>,
    request: Request,
) -> ApiResult<Json<Value>> {
    let added = async {
        let thread = ids::thread(&state, &caller, &thread).await?;
        upload(&state, &caller, DocumentOwner::Thread { thread: thread.id }, request).await
    };
    added.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn list_of_assistant(
    State(state): State<AppState>,
    caller: Caller,
    Path(assistant): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let assistant = ids::assistant(&state, &caller, &assistant).await?;
        let owner = DocumentOwner::Assistant { assistant: assistant.scope };
        list(&state, &caller, &owner, Client::of(&headers)).await.map(Value::Array)
    };
    listed.await.map(Json).map_err(|e| caller.fail(e))
}

/// Those of its messages too.
pub(super) async fn list_of_thread(
    State(state): State<AppState>,
    caller: Caller,
    Path(thread): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let listed = async {
        let thread = ids::thread(&state, &caller, &thread).await?;
        let owner = DocumentOwner::Thread { thread: thread.id.clone() };
        let client = Client::of(&headers);
        let mut all = list(&state, &caller, &owner, client).await?;
        let store = state.engine.store().workspace(&caller.context.workspace);
        let of_messages = store.documents_of_messages(&thread.id).await?;
        all.extend(of_messages.iter().map(|document| show(document, client)));
        Ok(Value::Array(all))
    };
    listed.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn status(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let found = async {
        let document = state.engine.document(&caller.context, &parsed(&id)?).await;
        Ok(show(&document.map_err(unknown)?, Client::of(&headers)))
    };
    found.await.map(Json).map_err(|e| caller.fail(e))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let deleted = async {
        let gone = state.engine.delete_document(&caller.context, &parsed(&id)?).await;
        let gone = gone.map_err(unknown)?;
        let shown = show(&gone, Client::of(&headers));
        Ok(json!({
            "message": "Document deleted successfully",
            "document_id": shown!(gone.id),
            "filename": gone.filename,
            "document_type": shown["document_type"],
            "deleted_at": state.engine.clock().now().to_micros_text(),
        }))
    };
    deleted.await.map(Json).map_err(|e| caller.fail(e))
}

async fn list(
    state: &AppState,
    caller: &Caller,
    owner: &DocumentOwner,
    client: Client,
) -> Result<Vec<Value>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: PAGE, cursor };
        let page = state.engine.list_documents(&caller.context, Some(owner), page).await?;
        all.extend(page.items.iter().map(|document| show(document, client)));
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn upload(
    state: &AppState,
    caller: &Caller,
    owner: DocumentOwner,
    request: Request,
) -> Result<Value> {
    let client = Client::of(request.headers());
    let (filename, media_type, bytes) = form(request).await?;
    let upload = DocumentUpload { owner, filename, media_type, metadata: Map::new() };
    let added = state.engine.add_document(&caller.context, upload, bytes).await?;
    Ok(show(&added.document, client))
}

/// The form's field `file`; others are ignored, as everywhere in this dialect.
async fn form(request: Request) -> Result<(String, Option<String>, BytesStream)> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let boundary = content_type.and_then(|value| value.to_str().ok()).map(multer::parse_boundary);
    let Some(Ok(boundary)) = boundary else {
        return Err(Error::invalid("send the file as a form (multipart/form-data), field `file`"));
    };
    let mut form = Multipart::new(request.into_body().into_data_stream(), boundary);
    while let Some(field) = form.next_field().await.map_err(|cause| broken(&cause))? {
        if field.name() == Some(FILE) {
            let filename = field.file_name().unwrap_or_default().to_owned();
            check_extension(&filename)?;
            let media_type = field.content_type().map(ToString::to_string);
            return Ok((filename, media_type, file(form, field)));
        }
    }
    Err(Error::invalid("the form has no field `file`").with_parameter(FILE))
}

/// Goes through in pieces; the form stays open for as long.
fn file(form: Multipart<'static>, mut field: Field<'static>) -> BytesStream {
    Box::pin(try_stream! {
        while let Some(piece) = field.chunk().await.map_err(|cause| broken(&cause))? {
            yield piece;
        }
        drop(form);
    })
}

pub(super) fn check_extension(filename: &str) -> Result<()> {
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) {
        return Ok(());
    }
    let message =
        format!("files of this type cannot be taken; there are {}", EXTENSIONS.join(", "));
    Err(Error::invalid(message).with_parameter(FILE))
}

fn parsed(id: &str) -> Result<DocumentId> {
    DocumentId::from_uuid(id).ok_or_else(|| ids::uuid_expected("document_id"))
}

/// Named as its client named it.
fn unknown(error: Error) -> Error {
    match error.code() {
        backstay_core::ErrorCode::NotFound => ids::not_found("Document"),
        _ => error,
    }
}

fn broken(cause: &multer::Error) -> Error {
    Error::invalid(format!("the form is not readable: {cause}"))
}
