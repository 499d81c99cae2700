//! `POST /v2/rerank`, and `POST /v1/rerank` as servers behind an OpenAI-compatible address have it.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Cohere;
use super::read::{bad, check_fields};
use crate::embedding::{self, DEFAULT_DIMENSIONS};
use crate::exchange::{Received, meet_script};
use crate::failure::Failure;
use crate::openai::OpenAi;
use crate::tokens;
use crate::wire::{Wire, count, given};

const COHERE_FIELDS: &[&str] =
    &["model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"];
const OTHER_FIELDS: &[&str] =
    &["model", "query", "documents", "top_n", "return_documents", "truncation", "provider"];
/// Documents that one search unit pays for, as at Cohere.
const DOCUMENTS_PER_UNIT: usize = 100;

pub(crate) async fn answer(received: Received) -> Response {
    respond::<Cohere>(received, COHERE_FIELDS, true).await
}

pub(crate) async fn answer_compatible(received: Received) -> Response {
    respond::<OpenAi>(received, OTHER_FIELDS, false).await
}

async fn respond<W: Wire>(received: Received, known: &[&str], is_cohere: bool) -> Response {
    let read = received.json::<W>().and_then(|body| {
        check_fields(&body, known)?;
        reply(received.id, &body, is_cohere)
    });
    let (model, body) = match read {
        Ok(read) => read,
        Err(failure) => return received.refuse::<W>(&failure),
    };
    match meet_script::<W>(received, &model).await {
        Ok((received, _, _)) => received.answer(200, &body),
        Err(response) => response,
    }
}

/// Documents that share words with the query come first.
fn reply(id: u64, body: &Map<String, Value>, is_cohere: bool) -> Result<(String, Value), Failure> {
    let text = |name: &str| given(body, name).and_then(Value::as_str);
    let model = text("model").ok_or_else(|| bad("model is required"))?;
    let query = text("query").ok_or_else(|| bad("query is required"))?;
    let document = |document: &Value| match document {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) if !is_cohere => {
            members.get("text").and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    };
    let documents: Option<Vec<String>> = given(body, "documents")
        .and_then(Value::as_array)
        .and_then(|documents| documents.iter().map(document).collect());
    let documents = documents
        .filter(|documents| !documents.is_empty())
        .ok_or_else(|| bad("documents must be a non-empty array of strings"))?;
    let wanted = embedding::embed(query, DEFAULT_DIMENSIONS);
    let mut scored: Vec<(usize, f32)> = documents
        .iter()
        .map(|text| {
            let found = embedding::embed(text, DEFAULT_DIMENSIONS);
            wanted.iter().zip(found).map(|(a, b)| a * b).sum::<f32>()
        })
        .enumerate()
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.truncate(count(given(body, "top_n")).unwrap_or(usize::MAX));
    let results: Vec<Value> = scored
        .into_iter()
        .map(|(index, score)| json!({"index": index, "relevance_score": score.clamp(0.0, 1.0)}))
        .collect();
    let units = documents.len().div_ceil(DOCUMENTS_PER_UNIT);
    let read: usize = documents.iter().map(|text| tokens::count(text)).sum();
    let body = if is_cohere {
        json!({
            "id": format!("sim-{id}"),
            "results": results,
            "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": units as f64}}
        })
    } else {
        let usage = json!({"total_tokens": read + tokens::count(query)});
        json!({"model": model, "object": "list", "results": results, "usage": usage})
    };
    Ok((model.to_owned(), body))
}
