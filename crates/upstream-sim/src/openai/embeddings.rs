//! `POST /v1/embeddings`, and the same at Azure.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::OpenAi;
use crate::embedding::{self, DEFAULT_DIMENSIONS, MAX_DIMENSIONS, MAX_TEXTS};
use crate::exchange::{Received, meet_script};
use crate::failure::Failure;
use crate::tokens;
use crate::wire::{Wire, given};

struct Request {
    model: String,
    texts: Vec<String>,
    dimensions: usize,
    base64: bool,
}

pub(crate) async fn answer(received: Received) -> Response {
    let body = received.json::<OpenAi>();
    answer_body::<OpenAi>(received, body).await
}

/// Answers a body, or why there is none, to whoever speaks this format with errors of its own.
pub(crate) async fn answer_body<W: Wire>(
    received: Received,
    body: Result<Map<String, Value>, Failure>,
) -> Response {
    let request = match body.and_then(|body| read(&body)) {
        Ok(request) => request,
        Err(failure) => return received.refuse::<W>(&failure),
    };
    match meet_script::<W>(received, &request.model).await {
        Ok((received, _, _)) => received.answer(200, &reply(&request)),
        Err(response) => response,
    }
}

fn read(body: &Map<String, Value>) -> Result<Request, Failure> {
    let model = given(body, "model").and_then(Value::as_str);
    let model =
        model.ok_or_else(|| Failure::bad_field("model", "you must provide a model parameter"))?;
    let dimensions = match given(body, "dimensions") {
        None => DEFAULT_DIMENSIONS,
        Some(value) => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| (1..=MAX_DIMENSIONS).contains(number))
            .ok_or_else(|| {
                let message = format!("'dimensions' must be between 1 and {MAX_DIMENSIONS}.");
                Failure::bad_field("dimensions", message)
            })?,
    };
    let base64 = match given(body, "encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => {
            let message = "'encoding_format' must be 'float' or 'base64'.";
            return Err(Failure::bad_field("encoding_format", message));
        }
    };
    Ok(Request { model: model.to_owned(), texts: texts(given(body, "input"))?, dimensions, base64 })
}

/// The input: a text, texts, token numbers, or lists of token numbers.
fn texts(input: Option<&Value>) -> Result<Vec<String>, Failure> {
    let invalid =
        || Failure::bad_field("input", "'$.input' is invalid. Please check the API reference.");
    let tokens = |numbers: &[Value]| -> Option<String> {
        let words: Option<Vec<String>> =
            numbers.iter().map(|number| number.as_u64().map(|n| n.to_string())).collect();
        words.filter(|words| !words.is_empty()).map(|words| words.join(" "))
    };
    let texts: Option<Vec<String>> = match input.ok_or_else(invalid)? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            tokens(items).map(|text| vec![text])
        }
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Array(numbers) => tokens(numbers),
                _ => None,
            })
            .collect(),
        _ => None,
    };
    let texts = texts.ok_or_else(invalid)?;
    let fits = (1..=MAX_TEXTS).contains(&texts.len()) && texts.iter().all(|text| !text.is_empty());
    if fits { Ok(texts) } else { Err(invalid()) }
}

fn reply(request: &Request) -> Value {
    let data: Vec<Value> = request
        .texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = embedding::embed(text, request.dimensions);
            let embedding = if request.base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                json!(STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens: usize = request.texts.iter().map(|text| tokens::count(text)).sum();
    json!({
        "object": "list", "data": data, "model": request.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}
    })
}
