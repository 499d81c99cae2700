//! The provider's side: OpenAI's `/embeddings`, Gemini's `:batchEmbedContents` and Cohere's
//! `/v2/embed`.

use backstay_core::{Error, ErrorCode, Result, WireFormat};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{EmbeddingInput, EmbeddingReply, EmbeddingRequest};
use crate::{
    Loss, ParameterRules,
    format::fitted,
    upstream_error::{malformed, name_provider},
};

/// `model` is the provider's name of the model.
///
/// # Errors
/// `UnsupportedContent` for token arrays to Gemini and Cohere; `InvalidRequest` for formats that have
/// no embeddings.
pub fn encode_embedding_request(
    rules: &ParameterRules,
    format: WireFormat,
    request: &EmbeddingRequest,
    model: &str,
    loss: &mut Loss,
) -> Result<Bytes> {
    let body = match format {
        WireFormat::OpenAi => openai_request(request, model),
        WireFormat::Gemini => gemini_request(request, model, loss)?,
        WireFormat::Cohere => cohere_request(request, model, loss)?,
        WireFormat::Anthropic | WireFormat::Bedrock => {
            return Err(Error::invalid(
                "the provider of this model makes no embeddings; choose an embedding model",
            )
            .with_parameter("model"));
        }
    };
    fitted(body, rules, loss)
}

fn openai_request(request: &EmbeddingRequest, model: &str) -> Value {
    let input = match &request.input {
        EmbeddingInput::Texts(texts) => json!(texts),
        EmbeddingInput::Tokens(tokens) => tokens.clone(),
    };
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(model));
    body.insert("input".to_owned(), input);
    // Every compatible server knows floats; some do not know base64.
    body.insert("encoding_format".to_owned(), Value::from("float"));
    if let Some(dimensions) = request.dimensions {
        body.insert("dimensions".to_owned(), Value::from(dimensions));
    }
    body.extend(request.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(body)
}

fn gemini_request(request: &EmbeddingRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    request.fields.keys().for_each(|name| loss.record(name));
    let resource = format!("models/{}", model.strip_prefix("models/").unwrap_or(model));
    let one = |text: &String| {
        let mut body = json!({"model": resource, "content": {"parts": [{"text": text}]}});
        if let Some(dimensions) = request.dimensions {
            body["outputDimensionality"] = Value::from(dimensions);
        }
        body
    };
    let requests: Vec<Value> = request.texts()?.iter().map(one).collect();
    Ok(json!({"requests": requests}))
}

/// What a text is embedded for, which newer models of Cohere demand to know: texts of which the client
/// does not say it are what is searched, as most are.
const INPUT_TYPE: &str = "search_document";
/// What Cohere takes besides the neutral fields.
const COHERE_FIELDS: [&str; 4] = ["input_type", "truncate", "max_tokens", "priority"];

fn cohere_request(request: &EmbeddingRequest, model: &str, loss: &mut Loss) -> Result<Value> {
    let mut body = json!({
        "model": model,
        "texts": request.texts()?,
        "input_type": INPUT_TYPE,
        "embedding_types": ["float"],
    });
    if let Some(dimensions) = request.dimensions {
        body["output_dimension"] = Value::from(dimensions);
    }
    for (name, value) in &request.fields {
        if COHERE_FIELDS.contains(&name.as_str()) {
            body[name] = value.clone();
        } else {
            loss.record(name);
        }
    }
    Ok(body)
}

/// Reads a provider's vectors, in the order of the request's texts.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of vectors.
pub fn decode_embedding_reply(
    format: WireFormat,
    provider: &str,
    body: &[u8],
) -> Result<EmbeddingReply> {
    let body: Value = serde_json::from_slice(body).map_err(|cause| {
        name_provider(malformed("embeddings that are not JSON", cause.to_string()), provider)
    })?;
    let reply = match format {
        WireFormat::OpenAi => openai_reply(&body),
        WireFormat::Gemini => gemini_reply(&body),
        WireFormat::Cohere => cohere_reply(&body),
        WireFormat::Anthropic | WireFormat::Bedrock => None,
    };
    reply.ok_or_else(|| {
        Error::new(
            ErrorCode::UpstreamInvalidResponse,
            format!("{provider} sent an answer that holds no embeddings"),
        )
    })
}

fn openai_reply(body: &Value) -> Option<EmbeddingReply> {
    let mut items: Vec<&Value> = body.get("data")?.as_array()?.iter().collect();
    // The order of the array is not promised, the index is.
    items.sort_by_key(|item| item.get("index").and_then(Value::as_u64));
    let vectors = items.into_iter().map(|item| vector(item.get("embedding")?));
    Some(EmbeddingReply {
        vectors: vectors.collect::<Option<_>>()?,
        model: body.get("model").and_then(Value::as_str).map(str::to_owned),
        prompt_tokens: body.pointer("/usage/prompt_tokens").and_then(Value::as_u64),
    })
}

fn gemini_reply(body: &Value) -> Option<EmbeddingReply> {
    let items = body.get("embeddings")?.as_array()?;
    let vectors = items.iter().map(|item| vector(item.get("values")?));
    Some(EmbeddingReply {
        vectors: vectors.collect::<Option<_>>()?,
        model: None,
        prompt_tokens: body.pointer("/usageMetadata/promptTokenCount").and_then(Value::as_u64),
    })
}

/// Counts come as floating-point numbers.
fn cohere_reply(body: &Value) -> Option<EmbeddingReply> {
    let items = body.pointer("/embeddings/float")?.as_array()?;
    let tokens = body.pointer("/meta/billed_units/input_tokens").and_then(Value::as_f64);
    Some(EmbeddingReply {
        vectors: items.iter().map(vector).collect::<Option<_>>()?,
        model: None,
        prompt_tokens: tokens.map(|tokens| tokens as u64),
    })
}

fn vector(value: &Value) -> Option<Vec<f32>> {
    match value {
        Value::Array(numbers) => {
            numbers.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
        }
        Value::String(text) => {
            let bytes = STANDARD.decode(text).ok()?;
            let (numbers, rest) = bytes.as_chunks::<4>();
            rest.is_empty()
                .then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::VectorEncoding, *};

    fn request(fields: Value) -> EmbeddingRequest {
        EmbeddingRequest {
            model: "asked".to_owned(),
            input: EmbeddingInput::Texts(vec!["a".to_owned(), "b".to_owned()]),
            dimensions: Some(2),
            encoding: VectorEncoding::Base64,
            fields: fields.as_object().cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn unknown_fields_reach_openai_and_are_reported_for_gemini() {
        let mut loss = Loss::default();
        let request = request(json!({"user": "u"}));
        let rules = ParameterRules::default();
        let encode = |format, loss: &mut Loss| -> Value {
            let body = encode_embedding_request(&rules, format, &request, "m", loss).unwrap();
            serde_json::from_slice(&body).unwrap()
        };
        let openai = encode(WireFormat::OpenAi, &mut loss);
        assert_eq!((&openai["user"], &openai["encoding_format"]), (&json!("u"), &json!("float")));
        assert!(loss.is_empty());
        let gemini = encode(WireFormat::Gemini, &mut loss);
        assert_eq!(gemini["requests"][1]["content"]["parts"][0]["text"], "b");
        assert_eq!(gemini["requests"][1]["model"], "models/m");
        assert_eq!(loss.names(), ["user"]);
    }

    #[test]
    fn cohere_is_told_what_texts_are_for() {
        let mut loss = Loss::default();
        let request = request(json!({"input_type": "search_query", "user": "u"}));
        let rules = ParameterRules::default();
        let body = encode_embedding_request(&rules, WireFormat::Cohere, &request, "m", &mut loss);
        let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"model": "m", "texts": ["a", "b"], "input_type": "search_query",
                "embedding_types": ["float"], "output_dimension": 2})
        );
        assert_eq!(loss.names(), ["user"]);
    }

    #[test]
    fn vectors_are_read_in_order_from_floats_and_from_base64() {
        let body = br#"{"data":[{"index":1,"embedding":"AACAPw=="},{"index":0,"embedding":[0.5]}],
            "model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#;
        let reply = decode_embedding_reply(WireFormat::OpenAi, "p", body).unwrap();
        assert_eq!(reply.vectors, [[0.5], [1.0]]);
        assert_eq!(reply.prompt_tokens, Some(3));
        let body = br#"{"embeddings":[{"values":[1,2]}]}"#;
        let reply = decode_embedding_reply(WireFormat::Gemini, "p", body).unwrap();
        assert_eq!(reply.vectors, [[1.0, 2.0]]);
        let body =
            br#"{"embeddings":{"float":[[1,2]]},"meta":{"billed_units":{"input_tokens":3.0}}}"#;
        let reply = decode_embedding_reply(WireFormat::Cohere, "p", body).unwrap();
        assert_eq!((reply.vectors, reply.prompt_tokens), (vec![vec![1.0, 2.0]], Some(3)));
        let error = decode_embedding_reply(WireFormat::OpenAi, "p", b"{}").unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamInvalidResponse);
    }
}
