//! Parameters of a request's query, refused in the words of the caller's dialect.

use axum::{extract::Query, http::Uri};
use backstay_core::{Error, Result};
use serde::de::DeserializeOwned;

pub(crate) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T> {
    let read = Query::try_from_uri(uri).map(|Query(parameters)| parameters);
    read.map_err(|cause| {
        let text = cause.body_text();
        let cause = text.split_once(": ").map_or(text.as_str(), |(_, cause)| cause);
        Error::invalid(format!("the query is not what is expected: {cause}"))
    })
}
