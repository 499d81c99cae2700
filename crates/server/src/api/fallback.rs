//! Answers for paths and methods that do not exist.

use axum::{
    extract::Request,
    http::{Method, Uri},
};
use backstay_core::{Error, ErrorCode, RequestId};

use crate::api::dialect::{ApiError, Spoken};

pub(crate) async fn not_found(uri: Uri, request: Request) -> ApiError {
    fail(
        &uri,
        &request,
        Error::new(
            ErrorCode::NotFound,
            format!(
                "there is nothing at {}; clients of OpenAI use base URL …/v1, clients of OpenRouter \
                 …/api/v1, clients of Anthropic the address without a path",
                uri.path()
            ),
        ),
    )
}

pub(crate) async fn method_not_allowed(method: Method, uri: Uri, request: Request) -> ApiError {
    let message = format!("{} does not take {method}", uri.path());
    fail(&uri, &request, Error::new(ErrorCode::MethodNotAllowed, message))
}

fn fail(uri: &Uri, request: &Request, error: Error) -> ApiError {
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(RequestId::unknown);
    ApiError { form: Spoken::of_path(uri.path()).errors, request: id, error }
}
