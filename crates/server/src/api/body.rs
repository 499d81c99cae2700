//! Request bodies, whole and within their limit.

use axum::{body::Body, extract::Request};
use backstay_core::{Error, ErrorCode, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

/// Reads the body. One that is larger than the limit is refused with the limit stated, and not read
/// to its end.
pub(crate) async fn read(request: Request<Body>, bytes_max: usize) -> Result<Bytes> {
    let body = Limited::new(request.into_body(), bytes_max);
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(Error::new(
            ErrorCode::BodyTooLarge,
            format!("the request body is larger than the limit of {bytes_max} bytes"),
        )),
        Err(cause) => {
            Err(Error::invalid("the request body could not be read")
                .with_context(cause.to_string()))
        }
    }
}

/// Reads a body of the native API.
pub(crate) async fn read_json<T: DeserializeOwned>(
    request: Request<Body>,
    bytes_max: usize,
) -> Result<T> {
    let bytes = read(request, bytes_max).await?;
    serde_json::from_slice(&bytes).map_err(|cause| {
        let code = if cause.is_data() { ErrorCode::InvalidRequest } else { ErrorCode::InvalidJson };
        Error::new(code, format!("the request body is not what is expected: {cause}"))
    })
}
