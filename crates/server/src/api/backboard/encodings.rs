//! A body in any of the three encodings that clients use.

use axum::{
    extract::Request,
    http::{HeaderMap, Uri, header},
};
use backstay_core::{Error, Result};
use backstay_wire::backboard::Fields;
use bytes::Bytes;
use futures::stream;

use crate::{api::body, state::AppState};

/// A file that came with a form.
pub(super) struct UploadedFile {
    /// The field's name.
    pub(super) field: String,
    pub(super) filename: String,
    pub(super) media_type: Option<String>,
    pub(super) bytes: Bytes,
}

pub(super) async fn read(
    state: &AppState,
    request: Request,
) -> Result<(Fields, Vec<UploadedFile>)> {
    read_within(request, state.body_bytes_max).await
}

pub(super) async fn read_within(
    request: Request,
    bytes_max: usize,
) -> Result<(Fields, Vec<UploadedFile>)> {
    let content_type = content_type(request.headers());
    let bytes = body::read(request, bytes_max).await?;
    if content_type.starts_with("multipart/form-data") {
        return multipart(&content_type, bytes).await;
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = form_urlencoded::parse(&bytes).into_owned();
        return Ok((Fields::of_form(pairs), Vec::new()));
    }
    Ok((Fields::of_json(&bytes)?, Vec::new()))
}

/// The value of a query's parameter that is written as in a form.
pub(super) fn query(uri: &Uri) -> Fields {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    Fields::of_form(pairs.into_owned())
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim().to_owned()
}

async fn multipart(content_type: &str, bytes: Bytes) -> Result<(Fields, Vec<UploadedFile>)> {
    let unreadable =
        |cause: multer::Error| Error::invalid(format!("the form is not readable: {cause}"));
    let boundary = multer::parse_boundary(content_type).map_err(unreadable)?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut form = multer::Multipart::new(whole, boundary);
    let (mut texts, mut files) = (Vec::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            Some(filename) => {
                let media_type = field.content_type().map(ToString::to_string);
                let bytes = field.bytes().await.map_err(unreadable)?;
                files.push(UploadedFile { field: name, filename, media_type, bytes });
            }
            None => texts.push((name, field.text().await.map_err(unreadable)?)),
        }
    }
    Ok((Fields::of_form(texts), files))
}
