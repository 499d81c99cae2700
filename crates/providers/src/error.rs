//! What reqwest reports, in our words and codes.

use std::error::Error as _;

use backstay_core::{Error, ErrorCode, UpstreamError};

pub(crate) fn send_failed(provider: &str, cause: &reqwest::Error, connect_ms: u64) -> Error {
    let error = if cause.is_timeout() && cause.is_connect() {
        Error::new(
            ErrorCode::ConnectTimeout,
            format!(
                "provider {provider} did not accept a connection within {} s (timeouts.connect)",
                connect_ms as f64 / 1_000.0
            ),
        )
    } else if cause.is_connect() {
        Error::new(
            ErrorCode::UpstreamUnreachable,
            format!("provider {provider} cannot be reached; check its base_url and that it is up"),
        )
    } else {
        Error::new(
            ErrorCode::UpstreamUnreachable,
            format!("provider {provider} closed the connection before it answered"),
        )
    };
    with_cause(error, provider, cause)
}

pub(crate) fn broken_connection(provider: &str, cause: &reqwest::Error) -> Error {
    let error = Error::new(
        ErrorCode::UpstreamStreamBroken,
        format!("the connection to provider {provider} broke in the middle of the answer"),
    );
    with_cause(error, provider, cause)
}

fn with_cause(error: Error, provider: &str, cause: &reqwest::Error) -> Error {
    let mut text = cause.to_string();
    let mut source = cause.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    let upstream =
        UpstreamError { provider: provider.to_owned(), status: None, code: None, raw: None };
    error.with_context(text).with_upstream(upstream)
}
