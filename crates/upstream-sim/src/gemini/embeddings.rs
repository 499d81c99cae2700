//! `:embedContent` and `:batchEmbedContents`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Gemini, field};
use crate::embedding::{self, DEFAULT_DIMENSIONS, MAX_DIMENSIONS};
use crate::exchange::{Received, meet_script};
use crate::failure::Failure;

const FIELDS: &[&str] = &["model", "content", "taskType", "title", "outputDimensionality"];
/// Most requests in one batch, as at Gemini.
const MAX_BATCH: usize = 100;

pub(crate) async fn answer_one(received: Received, model: &str) -> Response {
    let values = received.json::<Gemini>().and_then(|body| embed(&body));
    send(received, model, values.map(|values| json!({"embedding": {"values": values}}))).await
}

pub(crate) async fn answer_batch(received: Received, model: &str) -> Response {
    let vectors = received.json::<Gemini>().and_then(|body| embed_batch(model, &body));
    send(received, model, vectors.map(|vectors| json!({"embeddings": vectors}))).await
}

async fn send(received: Received, model: &str, result: Result<Value, Failure>) -> Response {
    let body = match result {
        Ok(body) => body,
        Err(failure) => return received.refuse::<Gemini>(&failure),
    };
    match meet_script::<Gemini>(received, model).await {
        Ok((received, _, _)) => received.answer(200, &body),
        Err(response) => response,
    }
}

fn embed_batch(model: &str, body: &Map<String, Value>) -> Result<Vec<Value>, Failure> {
    field::check("", body, &["requests"])?;
    let requests = field::get(body, "requests").and_then(Value::as_array);
    let requests =
        requests.filter(|requests| (1..=MAX_BATCH).contains(&requests.len())).ok_or_else(|| {
            Failure::bad_request(
                "* BatchEmbedContentsRequest.requests: between 1 and 100 requests can be in one \
                 batch\n",
            )
        })?;
    let expected = format!("models/{model}");
    requests
        .iter()
        .enumerate()
        .map(|(at, request)| {
            let request = field::object(&format!("requests[{at}]"), request, FIELDS)?;
            if field::get(request, "model").and_then(Value::as_str) != Some(&*expected) {
                return Err(Failure::bad_request(format!(
                    "* BatchEmbedContentsRequest.requests[{at}].model: must be {expected}, the \
                     model of the batch\n"
                )));
            }
            Ok(json!({"values": embed(request)?}))
        })
        .collect()
}

fn embed(request: &Map<String, Value>) -> Result<Vec<f32>, Failure> {
    field::check("", request, FIELDS)?;
    let parts = field::get(request, "content").and_then(|content| content.get("parts"));
    let texts: Option<Vec<&str>> = parts
        .and_then(Value::as_array)
        .filter(|parts| !parts.is_empty())
        .and_then(|parts| parts.iter().map(|part| part.get("text")?.as_str()).collect());
    let text = texts.map(|texts| texts.join("\n")).filter(|text| !text.is_empty());
    let text = text
        .ok_or_else(|| Failure::bad_request("* EmbedContentRequest.content: content is empty\n"))?;
    let dimensions = match field::get(request, "outputDimensionality") {
        None => DEFAULT_DIMENSIONS,
        Some(value) => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| (1..=MAX_DIMENSIONS).contains(number))
            .ok_or_else(|| {
                Failure::bad_request(format!(
                    "output_dimensionality must be between 1 and {MAX_DIMENSIONS}"
                ))
            })?,
    };
    Ok(embedding::embed(&text, dimensions))
}
