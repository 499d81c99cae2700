//! The bytes of a document, as they came.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, Response, header},
};
use backstay_store::Document;

use super::parsed;
use crate::{
    api::{caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// Download a document, byte for byte.
#[utoipa::path(
    get,
    path = "/backstay/v1/documents/{id}/content",
    tag = "documents",
    params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)
    )
)]
pub(crate) async fn content(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response<Body>> {
    let id = parsed(&id).map_err(|e| caller.fail(e))?;
    let found = state.engine.document_content(&caller.context, &id).await;
    let (document, bytes) = found.map_err(|e| caller.fail(e))?;
    let mut response = Response::new(Body::from_stream(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type(&document));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(document.size));
    // Nothing that somebody uploaded runs as a page of this server.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&document.filename));
    Ok(response)
}

fn media_type(document: &Document) -> HeaderValue {
    HeaderValue::from_str(&document.media_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// A name of any letters, as RFC 6266 writes it.
fn disposition(filename: &str) -> HeaderValue {
    let encoded: String = filename
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}
