//! The provider's side: Cohere's `/v2/rerank`, and `/rerank` of Jina, Voyage, OpenRouter and other
//! servers behind an OpenAI-compatible base URL, whose bodies are alike.

use backstay_core::{Error, ErrorCode, Result, WireFormat};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{RerankDocument, RerankReply, RerankRequest, RerankResult};
use crate::{
    Loss, ParameterRules,
    dollars::dollars,
    format::fitted,
    upstream_error::{malformed, name_provider},
};

/// What Cohere takes besides the neutral fields.
const COHERE_FIELDS: [&str; 2] = ["max_tokens_per_doc", "priority"];

/// `model` is the provider's name of the model.
///
/// # Errors
/// `InvalidRequest` for formats that have no reranking; `UnsupportedContent` for a document without
/// text to a provider that ranks only text.
pub fn encode_rerank_request(
    rules: &ParameterRules,
    format: WireFormat,
    request: &RerankRequest,
    model: &str,
    loss: &mut Loss,
) -> Result<Bytes> {
    let is_cohere = match format {
        WireFormat::OpenAi => false,
        WireFormat::Cohere => true,
        WireFormat::Anthropic | WireFormat::Gemini | WireFormat::Bedrock => {
            return Err(Error::invalid(
                "the provider of this model reranks nothing; choose a rerank model",
            )
            .with_parameter("model"));
        }
    };
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    body.insert("query".to_owned(), Value::from(request.query.as_str()));
    let documents = request.documents.iter().enumerate();
    let documents: Vec<Value> =
        documents.map(|(at, one)| document(one, at, is_cohere)).collect::<Result<_>>()?;
    body.insert("documents".to_owned(), Value::Array(documents));
    if let Some(top_n) = request.top_n {
        body.insert("top_n".to_owned(), Value::from(top_n));
    }
    for (name, value) in &request.fields {
        if is_cohere && !COHERE_FIELDS.contains(&name.as_str()) {
            loss.record(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
    fitted(Value::Object(body), rules, loss)
}

fn document(document: &RerankDocument, at: usize, text_only: bool) -> Result<Value> {
    match document {
        RerankDocument::Object(members) if !text_only => Ok(Value::Object(members.clone())),
        document => document.text().map(Value::from).ok_or_else(|| {
            Error::new(
                ErrorCode::UnsupportedContent,
                "the provider of this model ranks only text, and this document has none",
            )
            .with_parameter(format!("documents[{at}]"))
        }),
    }
}

/// Reads a provider's ranking of `documents` documents.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no ranking of them.
pub fn decode_rerank_reply(provider: &str, body: &[u8], documents: usize) -> Result<RerankReply> {
    let body: Value = serde_json::from_slice(body).map_err(|cause| {
        name_provider(malformed("a ranking that is not JSON", cause.to_string()), provider)
    })?;
    read(&body, documents).ok_or_else(|| {
        Error::new(
            ErrorCode::UpstreamInvalidResponse,
            format!("{provider} sent an answer that holds no ranking of the documents"),
        )
    })
}

/// Voyage calls the results `data`. The order is not promised everywhere, the score is.
fn read(body: &Value, documents: usize) -> Option<RerankReply> {
    let items = body.get("results").or_else(|| body.get("data"))?.as_array()?;
    let results: Option<Vec<RerankResult>> = items.iter().map(result).collect();
    let mut results = results?;
    if results.iter().any(|result| result.index >= documents) {
        return None;
    }
    results.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    // Cohere writes whole numbers as floating-point ones.
    let count = |pointers: [&str; 2]| {
        let mut found = pointers.iter().filter_map(|pointer| body.pointer(pointer)?.as_f64());
        found.next().filter(|number| *number >= 0.0).map(|number| number as u64)
    };
    Some(RerankReply {
        id: text("id"),
        model: text("model"),
        results,
        search_units: count(["/meta/billed_units/search_units", "/usage/search_units"]),
        total_tokens: count(["/usage/total_tokens", "/meta/tokens/input_tokens"]),
        provider_cost: body.pointer("/usage/cost").and_then(dollars),
    })
}

fn result(item: &Value) -> Option<RerankResult> {
    let index = usize::try_from(item.get("index")?.as_u64()?).ok()?;
    let score = item.get("relevance_score").or_else(|| item.get("score"))?.as_f64()?;
    Some(RerankResult { index, relevance_score: score })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(documents: Vec<RerankDocument>, fields: Value) -> RerankRequest {
        RerankRequest {
            model: "asked".to_owned(),
            query: "q".to_owned(),
            documents,
            top_n: Some(1),
            fields: fields.as_object().cloned().unwrap_or_default(),
        }
    }

    fn sent(format: WireFormat, request: &RerankRequest, rules: &str) -> (Value, Vec<String>) {
        let rules: ParameterRules = serde_json::from_str(rules).unwrap();
        let mut loss = Loss::default();
        let body = encode_rerank_request(&rules, format, request, "m", &mut loss).unwrap();
        (serde_json::from_slice(&body).unwrap(), loss.into_names())
    }

    fn object(value: Value) -> RerankDocument {
        RerankDocument::Object(value.as_object().cloned().unwrap())
    }

    #[test]
    fn cohere_gets_texts_and_others_what_the_client_wrote() {
        let documents = vec![
            RerankDocument::Text("a".to_owned()),
            object(json!({"text": "b", "image": "https://x.org/b.png"})),
        ];
        let request = request(documents, json!({"return_documents": true, "priority": 1}));
        let (body, lost) = sent(WireFormat::Cohere, &request, "{}");
        assert_eq!(
            body,
            json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1, "priority": 1})
        );
        assert_eq!(lost, ["return_documents"]);
        let (body, lost) = sent(WireFormat::OpenAi, &request, r#"{"rename": {"top_n": "top_k"}}"#);
        assert_eq!((&body["documents"][1]["text"], &body["top_k"]), (&json!("b"), &json!(1)));
        assert_eq!(body["return_documents"], true);
        assert!(lost.is_empty());
    }

    #[test]
    fn an_image_alone_is_refused_where_only_text_is_ranked() {
        let request = request(vec![object(json!({"image": "x"}))], json!({}));
        let encode = |format| {
            let rules = ParameterRules::default();
            encode_rerank_request(&rules, format, &request, "m", &mut Loss::default())
        };
        let error = encode(WireFormat::Cohere).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedContent);
        assert_eq!(error.parameter(), Some("documents[0]"));
        assert_eq!(encode(WireFormat::Gemini).unwrap_err().parameter(), Some("model"));
    }

    #[test]
    fn every_ranking_is_read_best_first_with_what_it_costs() {
        let read = |body: Value| decode_rerank_reply("p", body.to_string().as_bytes(), 2);
        let cohere = read(json!({"id": "r", "results": [{"index": 0, "relevance_score": 0.1},
            {"index": 1, "relevance_score": 0.9}],
            "meta": {"billed_units": {"search_units": 1.0}}}))
        .unwrap();
        assert_eq!((cohere.results[0].index, cohere.search_units), (1, Some(1)));
        let voyage = read(json!({"object": "list", "model": "rerank-2.5",
            "data": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 26}}))
        .unwrap();
        assert_eq!((voyage.results.len(), voyage.total_tokens), (1, Some(26)));
        let openrouter = read(json!({"results": [], "usage": {"cost": 0.002, "search_units": 1}}));
        let openrouter = openrouter.unwrap();
        assert_eq!(openrouter.provider_cost.unwrap().to_string(), "0.002");
        for bad in [json!({}), json!({"results": [{"index": 2, "relevance_score": 1}]})] {
            let error = read(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalidResponse);
        }
    }
}
