//! `POST /v2/embed`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Cohere;
use super::read::{bad, check_fields};
use crate::embedding::{self, DEFAULT_DIMENSIONS, MAX_DIMENSIONS};
use crate::exchange::{Received, meet_script};
use crate::failure::Failure;
use crate::tokens;
use crate::wire::{count, given};

const FIELDS: &[&str] = &[
    "model",
    "texts",
    "images",
    "inputs",
    "input_type",
    "embedding_types",
    "output_dimension",
    "max_tokens",
    "truncate",
    "priority",
];
/// Most texts in one request, as at Cohere.
const MAX_TEXTS: usize = 96;
const INPUT_TYPES: &[&str] =
    &["search_document", "search_query", "classification", "clustering", "image"];

pub(crate) async fn answer(received: Received) -> Response {
    let read = received.json::<Cohere>().and_then(|body| reply(received.id, &body));
    let (model, body) = match read {
        Ok(read) => read,
        Err(failure) => return received.refuse::<Cohere>(&failure),
    };
    match meet_script::<Cohere>(received, &model).await {
        Ok((received, _, _)) => received.answer(200, &body),
        Err(response) => response,
    }
}

fn reply(id: u64, body: &Map<String, Value>) -> Result<(String, Value), Failure> {
    check_fields(body, FIELDS)?;
    let model =
        given(body, "model").and_then(Value::as_str).ok_or_else(|| bad("model is required"))?;
    let input_type = given(body, "input_type").and_then(Value::as_str).unwrap_or_default();
    if !INPUT_TYPES.contains(&input_type) {
        return Err(bad("valid input_type must be provided with the provided model"));
    }
    if given(body, "embedding_types") != Some(&json!(["float"])) {
        return Err(bad("this simulator makes embedding_types [\"float\"]"));
    }
    let dimensions = match given(body, "output_dimension") {
        None => DEFAULT_DIMENSIONS,
        some => count(some)
            .filter(|number| (1..=MAX_DIMENSIONS).contains(number))
            .ok_or_else(|| bad("output_dimension is out of range"))?,
    };
    let texts: Option<Vec<&str>> = given(body, "texts")
        .and_then(Value::as_array)
        .and_then(|texts| texts.iter().map(Value::as_str).collect());
    let texts = texts
        .filter(|texts| (1..=MAX_TEXTS).contains(&texts.len()))
        .ok_or_else(|| bad("texts must have between 1 and 96 strings"))?;
    let vectors: Vec<_> = texts.iter().map(|text| embedding::embed(text, dimensions)).collect();
    let billed: usize = texts.iter().map(|text| tokens::count(text)).sum();
    let body = json!({
        "id": format!("sim-{id}"),
        "embeddings": {"float": vectors},
        "texts": texts,
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": billed as f64}}
    });
    Ok((model.to_owned(), body))
}
