//! The client's side: `/v1/rerank`, as Cohere, OpenRouter and others after them have it.

use backstay_core::{Result, chat::Settlement};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{RerankDocument, RerankReply, RerankRequest};
use crate::{
    dollars,
    fields::{Object, Path},
    format::parse_object,
};

const INTERPRETED: [&str; 6] =
    ["model", "query", "documents", "top_n", "return_documents", crate::extension::MEMBER];
/// Cohere's own limit is lower; what is beyond this is a mistake.
const DOCUMENTS_MAX: usize = 10_000;

/// # Errors
/// `InvalidJson` or `InvalidRequest` with the place of the fault.
pub fn decode_rerank_request(body: &[u8]) -> Result<RerankRequest> {
    let mut members = parse_object(body)?;
    let object = Object::new(&members, &Path::Root);
    let model = object.required_text("model")?.to_owned();
    let query = object.required_text("query")?.to_owned();
    let documents = documents(object)?;
    let top_n = object.count("top_n")?;
    if top_n == Some(0) {
        return Err(Path::Root.field("top_n").invalid("must be at least 1"));
    }
    members.retain(|name, value| !value.is_null() && !INTERPRETED.contains(&name.as_str()));
    // How endpoints are chosen is not what they are told.
    members.shift_remove("provider");
    Ok(RerankRequest { model, query, documents, top_n, fields: members })
}

fn documents(body: Object<'_>) -> Result<Vec<RerankDocument>> {
    let path = body.path().field("documents");
    let values = body.array("documents")?.ok_or_else(|| path.invalid("is required"))?;
    if values.is_empty() || values.len() > DOCUMENTS_MAX {
        return Err(path.invalid(format_args!("must have 1 to {DOCUMENTS_MAX} documents")));
    }
    let read = values.iter().enumerate().map(|(at, value)| match value {
        Value::String(text) => Ok(RerankDocument::Text(text.clone())),
        Value::Object(members) => Ok(RerankDocument::Object(members.clone())),
        other => Err(path.index(at).wrong_type("a string or an object", other)),
    });
    read.collect()
}

/// The ranking with its documents. Not more than `top_n`, whatever the provider sent. `settlement` is
/// given where OpenRouter's clients read what a call cost.
pub fn encode_rerank_reply(
    reply: &RerankReply,
    request: &RerankRequest,
    settlement: Option<&Settlement>,
) -> Bytes {
    let most = request.top_n.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let results: Vec<Value> = reply
        .results
        .iter()
        .take(most)
        .map(|result| {
            let document = match request.documents.get(result.index) {
                Some(RerankDocument::Text(text)) => json!({"text": text}),
                Some(RerankDocument::Object(members)) => Value::Object(members.clone()),
                None => json!({}),
            };
            json!({"index": result.index, "relevance_score": result.relevance_score,
                "document": document})
        })
        .collect();
    let mut usage = json!({});
    let cost = reply.provider_cost.and_then(dollars::number);
    for (name, value) in [
        ("search_units", reply.search_units.map(Value::from)),
        ("total_tokens", reply.total_tokens.map(Value::from)),
        ("cost", cost),
    ] {
        if let Some(value) = value {
            usage[name] = value;
        }
    }
    dollars::add_cost(&mut usage, settlement);
    let mut body = json!({
        "model": reply.model.as_ref().unwrap_or(&request.model),
        "results": results,
        "usage": usage,
    });
    if let Some(id) = &reply.id {
        body["id"] = Value::from(id.as_str());
    }
    if let Some(settlement) = settlement {
        body["id"] = Value::from(settlement.generation.as_str());
        body["provider"] = Value::from(settlement.provider.as_str());
    }
    Bytes::from(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RerankResult;

    #[test]
    fn a_ranking_comes_with_its_documents_and_not_more_than_was_asked_for() {
        let body =
            br#"{"model": "a/r", "query": "q", "documents": ["x", {"text": "y"}], "top_n": 1,
            "provider": {"only": ["a"]}, "truncate": "END"}"#;
        let request = decode_rerank_request(body).unwrap();
        assert_eq!(Value::Object(request.fields.clone()), json!({"truncate": "END"}));
        let result = |index, relevance_score| RerankResult { index, relevance_score };
        let reply = RerankReply {
            results: vec![result(1, 0.9), result(0, 0.1)],
            search_units: Some(1),
            ..RerankReply::default()
        };
        let written: Value =
            serde_json::from_slice(&encode_rerank_reply(&reply, &request, None)).unwrap();
        let expected = json!({"model": "a/r", "usage": {"search_units": 1}, "results":
            [{"index": 1, "relevance_score": 0.9, "document": {"text": "y"}}]});
        assert_eq!(written, expected);
    }

    #[test]
    fn a_mistake_names_its_place() {
        for (body, place) in [
            (r#"{"model": "m", "query": "q"}"#, "documents"),
            (r#"{"model": "m", "query": "q", "documents": []}"#, "documents"),
            (r#"{"model": "m", "query": "q", "documents": [7]}"#, "documents[0]"),
            (r#"{"model": "m", "documents": ["x"]}"#, "query"),
            (r#"{"model": "m", "query": "q", "documents": ["x"], "top_n": 0}"#, "top_n"),
        ] {
            let error = decode_rerank_request(body.as_bytes()).unwrap_err();
            assert_eq!(error.parameter(), Some(place), "{error}");
        }
    }
}
