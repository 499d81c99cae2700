//! What providers answer besides messages: their error bodies and their lists of models.

use backstay_core::Result;
use serde_json::Value;

use crate::{ListedModel, ProviderError, upstream_error::malformed};

/// What an error body says: `{"type": "error", "error": {"type": …, "message": …}}`.
pub(crate) fn provider_error(body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => error_object(value.get("error").unwrap_or(&value)),
        Err(_) => ProviderError::from_text(body),
    }
}

/// Reads the error object itself; some compatible servers write a string in its place.
pub(super) fn error_object(error: &Value) -> ProviderError {
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    ProviderError {
        message: error.as_str().or_else(|| text("message")).map(str::to_owned),
        code: text("type").map(str::to_owned),
    }
}

/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of models.
pub(crate) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|cause| malformed("a list of models that is not JSON", cause.to_string()))?;
    let models = value.get("data").and_then(Value::as_array);
    let models = models.ok_or_else(|| malformed("no list of models", "`data` is no array"))?;
    Ok(models.iter().filter_map(listed_model).collect())
}

fn listed_model(model: &Value) -> Option<ListedModel> {
    Some(ListedModel {
        id: model.get("id")?.as_str()?.to_owned(),
        display_name: model.get("display_name").and_then(Value::as_str).map(str::to_owned),
        context_length: model.get("max_input_tokens").and_then(Value::as_u64),
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_gives_its_message_and_type() {
        let body =
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let error = provider_error(body);
        assert_eq!(error.message.as_deref(), Some("Overloaded"));
        assert_eq!(error.code.as_deref(), Some("overloaded_error"));
        assert_eq!(provider_error(b"<html>").message, None);
    }

    #[test]
    fn a_list_of_models_is_read_and_anything_else_is_refused() {
        let body = br#"{"data":[{"type":"model","id":"claude-a","display_name":"A",
            "max_input_tokens":200000},{"type":"model"}],"has_more":false}"#;
        let models = decode_models(body).unwrap();
        assert_eq!(models.len(), 1);
        assert_eq!(models[0].display_name.as_deref(), Some("A"));
        assert_eq!(models[0].context_length, Some(200_000));
        assert!(decode_models(b"{}").is_err());
    }
}
