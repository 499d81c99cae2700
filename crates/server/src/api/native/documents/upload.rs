//! Uploads: a form with the owner first and the file last, which goes through in pieces.

use async_stream::try_stream;
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
};
use backstay_core::{Error, ErrorCode, Name, Result, document::DocumentOwner};
use backstay_engine::{BytesStream, DocumentUpload};
use backstay_store::Document;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Owner;
use crate::{
    api::{caller::Caller, dialect::ApiResult, native::openapi::ErrorBody},
    state::AppState,
};

/// A field that is no file.
const FIELD_BYTES_MAX: u64 = 64 * 1024;
const FIELDS: [&str; 5] = ["assistant", "thread", "message", "metadata", FILE];
const FILE: &str = "file";

/// The form, for the document that describes this API.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field, as it comes")]
pub(crate) struct UploadForm {
    /// Whose it is: every conversation with this assistant finds it. `default` unless told.
    assistant: Option<String>,
    /// Or only this thread.
    thread: Option<String>,
    /// With `thread`: the message that it came with.
    message: Option<String>,
    /// Of your own, a JSON object; kept as it is.
    metadata: Option<String>,
    /// The file, with its name: the last field of the form.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UploadedBody {
    #[serde(flatten)]
    document: Document,
    /// The owner had the same bytes already: this is that document.
    known: bool,
}

/// Upload a document; it is read in the background, and its status says how far that is.
#[utoipa::path(
    post,
    path = "/backstay/v1/documents",
    tag = "documents",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "It is kept and waits to be read", body = UploadedBody),
        (status = 200, description = "The same bytes were there already", body = UploadedBody),
        (status = 400, body = ErrorBody),
        (status = 403, description = "The workspace has as much as it may", body = ErrorBody),
        (status = 404, description = "There is no such thread", body = ErrorBody),
        (status = 413, description = "The file is too large", body = ErrorBody)
    )
)]
pub(crate) async fn upload(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> ApiResult<(StatusCode, Json<UploadedBody>)> {
    let added = async {
        let (upload, file) = form(request).await?;
        state.engine.add_document(&caller.context, upload, file).await
    };
    let added = added.await.map_err(|e| caller.fail(e))?;
    let status = if added.is_known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(UploadedBody { document: added.document, known: added.is_known })))
}

/// Everything before the file, and the file itself.
async fn form(request: Request) -> Result<(DocumentUpload, BytesStream)> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let boundary = content_type.and_then(|value| value.to_str().ok()).map(multer::parse_boundary);
    let Some(Ok(boundary)) = boundary else {
        let message = "send a form (multipart/form-data) with the fields assistant, thread or \
                       message, and file last";
        return Err(Error::invalid(message));
    };
    let mut sizes = SizeLimit::new();
    for name in FIELDS.into_iter().filter(|name| *name != FILE) {
        sizes = sizes.for_field(name, FIELD_BYTES_MAX);
    }
    let constraints = Constraints::new().size_limit(sizes);
    let body = request.into_body().into_data_stream();
    let mut form = Multipart::with_constraints(body, boundary, constraints);
    let (mut owner, mut metadata) = (Owner::default(), Map::new());
    while let Some(field) = form.next_field().await.map_err(|cause| broken(&cause))? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            FILE => {
                let filename = field.file_name().map(str::to_owned).ok_or_else(|| {
                    Error::invalid("the field file has no filename").with_parameter("filename")
                })?;
                let media_type = field.content_type().map(ToString::to_string);
                let owner = owner.named()?.unwrap_or_else(|| DocumentOwner::Assistant {
                    assistant: Name::default_assistant(),
                });
                let upload = DocumentUpload { owner, filename, media_type, metadata };
                return Ok((upload, file(form, field)));
            }
            "assistant" => {
                let text = text(field).await?;
                owner.assistant = Some(Name::parse(&text).ok_or_else(|| {
                    Error::invalid("an assistant's name has 1 to 128 characters")
                        .with_parameter("assistant")
                })?);
            }
            "thread" => owner.thread = Some(text(field).await?),
            "message" => owner.message = Some(text(field).await?),
            "metadata" => {
                let text = text(field).await?;
                metadata = serde_json::from_str::<Map<String, Value>>(&text).map_err(|cause| {
                    Error::invalid(format!("metadata is not a JSON object: {cause}"))
                        .with_parameter("metadata")
                })?;
            }
            _ => {
                let message = format!("a form has the fields {}", FIELDS.join(", "));
                return Err(Error::invalid(message).with_parameter(name));
            }
        }
    }
    Err(Error::invalid("the form has no field file").with_parameter(FILE))
}

/// The file's bytes. What comes after it would say something about it too late.
fn file(mut form: Multipart<'static>, mut field: Field<'static>) -> BytesStream {
    Box::pin(try_stream! {
        while let Some(piece) = field.chunk().await.map_err(|cause| broken(&cause))? {
            yield piece;
        }
        drop(field);
        let rest = form.next_field().await.map_err(|cause| broken(&cause))?;
        if let Some(rest) = rest {
            let name = rest.name().unwrap_or_default().to_owned();
            let message = "the file is the last field of the form; put the others before it";
            Err(Error::invalid(message).with_parameter(name))?;
        }
    })
}

async fn text(field: Field<'static>) -> Result<String> {
    field.text().await.map_err(|cause| broken(&cause))
}

fn broken(cause: &multer::Error) -> Error {
    match cause {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            let message = format!("this field may have {limit} bytes");
            let error = Error::new(ErrorCode::BodyTooLarge, message);
            error.with_parameter(field_name.clone().unwrap_or_default())
        }
        other => Error::invalid(format!("the form cannot be read: {other}")),
    }
}
