//! The client's side: OpenAI's `/v1/embeddings`.

use backstay_core::{Result, chat::Settlement};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    EMBEDDING_INPUTS_MAX, EmbeddingInput, EmbeddingReply, EmbeddingRequest, VectorEncoding,
};
use crate::{
    dollars::add_cost,
    fields::{Object, Path},
    format::parse_object,
};

const INTERPRETED: [&str; 5] =
    ["model", "input", "dimensions", "encoding_format", crate::extension::MEMBER];

/// # Errors
/// `InvalidJson` or `InvalidRequest` with the place of the fault.
pub fn decode_embedding_request(body: &[u8]) -> Result<EmbeddingRequest> {
    let mut members = parse_object(body)?;
    let path = Path::Root;
    let object = Object::new(&members, &path);
    let encoding = match object.text("encoding_format")? {
        None | Some("float") => VectorEncoding::Float,
        Some("base64") => VectorEncoding::Base64,
        Some(other) => {
            let what = format_args!("must be float or base64, not {other:?}");
            return Err(path.field("encoding_format").invalid(what));
        }
    };
    let model = object.required_text("model")?.to_owned();
    let value = object.get("input").ok_or_else(|| object.missing("input"))?;
    let input = input(&path.field("input"), value)?;
    let dimensions = object.count("dimensions")?;
    // Some SDKs write null for what was not set, and some servers refuse it.
    members.retain(|name, value| !value.is_null() && !INTERPRETED.contains(&name.as_str()));
    Ok(EmbeddingRequest { model, input, dimensions, encoding, fields: members })
}

/// A text, texts, tokens, or arrays of tokens.
fn input(path: &Path<'_>, value: &Value) -> Result<EmbeddingInput> {
    if let Value::String(text) = value {
        return Ok(EmbeddingInput::Texts(vec![text.clone()]));
    }
    let items = path.array(value)?;
    if items.is_empty() || items.len() > EMBEDDING_INPUTS_MAX && !items[0].is_number() {
        return Err(path.invalid(format_args!("must have 1 to {EMBEDDING_INPUTS_MAX} items")));
    }
    if items.iter().all(is_token_item) {
        return Ok(EmbeddingInput::Tokens(value.clone()));
    }
    let texts = items.iter().enumerate();
    let texts = texts.map(|(at, text)| Ok(path.index(at).text(text)?.to_owned()));
    Ok(EmbeddingInput::Texts(texts.collect::<Result<_>>()?))
}

fn is_token_item(item: &Value) -> bool {
    match item {
        Value::Number(_) => true,
        Value::Array(tokens) => tokens.iter().all(Value::is_number),
        _ => false,
    }
}

/// `model` is the name that the client asked for, used where the provider gave none. `settlement` is
/// given where OpenRouter's clients read what a call cost.
pub fn encode_embedding_reply(
    reply: &EmbeddingReply,
    encoding: VectorEncoding,
    model: &str,
    settlement: Option<&Settlement>,
) -> Bytes {
    let vectors = reply.vectors.iter().enumerate();
    let data: Vec<Value> = vectors
        .map(|(index, vector)| {
            let embedding = match encoding {
                VectorEncoding::Float => json!(vector),
                VectorEncoding::Base64 => Value::from(to_base64(vector)),
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens = reply.prompt_tokens.unwrap_or(0);
    let mut body = json!({
        "object": "list",
        "data": data,
        "model": reply.model.as_deref().unwrap_or(model),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    if let Some(settlement) = settlement {
        body["id"] = Value::from(settlement.generation.as_str());
        add_cost(&mut body["usage"], Some(settlement));
    }
    Bytes::from(body.to_string())
}

fn to_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_may_be_a_text_texts_or_tokens_and_nothing_else() {
        let decode = |input: Value| {
            decode_embedding_request(json!({"model": "m", "input": input}).to_string().as_bytes())
        };
        assert_eq!(decode(json!("a")).unwrap().texts().unwrap(), ["a"]);
        assert_eq!(decode(json!(["a", "b"])).unwrap().texts().unwrap(), ["a", "b"]);
        for tokens in [json!([1, 2]), json!([[1], [2, 3]])] {
            let error = decode(tokens).unwrap().texts().unwrap_err();
            assert!(error.message().contains("token numbers"), "{error}");
        }
        assert_eq!(decode(json!(["a", 1])).unwrap_err().parameter(), Some("input[1]"));
        assert_eq!(decode(json!([])).unwrap_err().parameter(), Some("input"));
        assert_eq!(decode(json!({})).unwrap_err().parameter(), Some("input"));
    }

    #[test]
    fn base64_holds_little_endian_floats_as_the_sdks_read_them() {
        let reply = EmbeddingReply { vectors: vec![vec![1.0, -2.0]], ..EmbeddingReply::default() };
        let body = encode_embedding_reply(&reply, VectorEncoding::Base64, "m", None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["data"][0]["embedding"], "AACAPwAAAMA=");
        let body = encode_embedding_reply(&reply, VectorEncoding::Float, "m", None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["data"][0]["embedding"], json!([1.0, -2.0]));
        assert_eq!(body["model"], "m");
    }
}
