//! What providers answer besides completions: their error bodies and their lists of models.

use backstay_core::Result;
use serde_json::Value;

use crate::{ListedModel, ProviderError, upstream_error::malformed};

/// What an error body says: `{"error": {…}}`, `{"error": "…"}`, `{"message": …}` (Mistral),
/// `{"detail": …}` (vLLM behind FastAPI), or an array of one of these (Google).
pub(crate) fn provider_error(body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(items)) => items.first().map(error_of_body).unwrap_or_default(),
        Ok(value) => error_of_body(&value),
        Err(_) => ProviderError::from_text(body),
    }
}

fn error_of_body(value: &Value) -> ProviderError {
    error_object(value.get("error").unwrap_or(value))
}

/// Reads the error object itself.
pub(super) fn error_object(error: &Value) -> ProviderError {
    let text = |name: &str| error.get(name).and_then(scalar).filter(|text| !text.is_empty());
    let message = error
        .as_str()
        .map(str::to_owned)
        .or_else(|| inner_message(error))
        .or_else(|| text("message"))
        .or_else(|| error.get("detail").map(|detail| scalar(detail).unwrap_or(detail.to_string())));
    let kind = error.pointer("/metadata/error_type").and_then(scalar);
    ProviderError { message, code: kind.or_else(|| text("code")).or_else(|| text("type")) }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// OpenRouter says "Provider returned error" and keeps what the provider said in its metadata.
fn inner_message(error: &Value) -> Option<String> {
    let raw = error.pointer("/metadata/raw").and_then(Value::as_str)?;
    let inner = provider_error(raw.as_bytes()).message.unwrap_or_else(|| raw.to_owned());
    let name = error.pointer("/metadata/provider_name").and_then(Value::as_str);
    Some(name.map_or_else(|| inner.clone(), |name| format!("{name}: {inner}")))
}

/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of models.
pub(crate) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|cause| malformed("a list of models that is not JSON", cause.to_string()))?;
    // Together sends the bare array.
    let models = value.get("data").unwrap_or(&value).as_array();
    let models =
        models.ok_or_else(|| malformed("no list of models", "neither `data` nor an array"))?;
    Ok(models.iter().filter_map(listed_model).collect())
}

fn listed_model(model: &Value) -> Option<ListedModel> {
    const CONTEXT_LENGTH_NAMES: [&str; 4] =
        ["context_length", "context_window", "max_model_len", "max_context_length"];
    let display_name = ["display_name", "name"].iter().find_map(|name| model.get(name)?.as_str());
    Some(ListedModel {
        id: model.get("id")?.as_str()?.to_owned(),
        display_name: display_name.map(str::to_owned),
        context_length: CONTEXT_LENGTH_NAMES.iter().find_map(|name| model.get(name)?.as_u64()),
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_which_servers_write_an_error_is_understood() {
        let cases = [
            (r#"{"error":{"message":"m","type":"t","code":null}}"#, "m", Some("t")),
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "m", Some("c")),
            (r#"{"error":"m"}"#, "m", None),
            (r#"{"object":"error","message":"m","type":"t","code":1500}"#, "m", Some("1500")),
            (r#"{"detail":"m"}"#, "m", None),
            (r#"[{"error":{"code":400,"message":"m"}}]"#, "m", Some("400")),
            (
                r#"{"error":{"code":502,"message":"Provider returned error","metadata":
                    {"raw":"{\"error\":{\"message\":\"m\"}}","provider_name":"Groq"}}}"#,
                "Groq: m",
                Some("502"),
            ),
            ("plain words", "plain words", None),
        ];
        for (body, message, code) in cases {
            let error = provider_error(body.as_bytes());
            assert_eq!(error.message.as_deref(), Some(message), "{body}");
            assert_eq!(error.code.as_deref(), code, "{body}");
        }
        assert_eq!(provider_error(b"<html>502</html>"), ProviderError::default());
    }

    #[test]
    fn azures_filter_is_told_by_its_code_and_words() {
        let body = br#"{"error":{"message":"The response was filtered","type":null,"param":"prompt",
            "code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation",
            "content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#;
        let error = provider_error(body);
        assert_eq!(error.code.as_deref(), Some("content_filter"));
        assert_eq!(error.message.as_deref(), Some("The response was filtered"));
    }

    #[test]
    fn model_lists_of_several_servers_are_read() {
        let body = br#"{"object":"list","data":[{"id":"a","context_window":8},{"id":"b",
            "name":"B","context_length":9},{"no":"id"}]}"#;
        let models = decode_models(body).unwrap();
        assert_eq!(models.len(), 2);
        assert_eq!(models[0].context_length, Some(8));
        assert_eq!(models[1].display_name.as_deref(), Some("B"));
        assert_eq!(decode_models(br#"[{"id":"a"}]"#).unwrap().len(), 1);
        assert!(decode_models(br#"{"object":"list"}"#).is_err());
    }
}
