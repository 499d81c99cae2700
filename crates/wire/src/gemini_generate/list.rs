//! What the provider answers besides content: its error bodies and its list of models.

use backstay_core::Result;
use serde_json::Value;

use crate::{ListedModel, ProviderError, upstream_error::malformed};

const NAME_PREFIX: &str = "models/";
/// How the names of models begin at Vertex AI.
const PUBLISHER_PREFIX: &str = "publishers/google/models/";
const CHAT_METHOD: &str = "generateContent";

/// What an error body says: `{"error": {"code", "message", "status"}}`, or an array of one.
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

/// Reads the error object itself. The status is a word that says more than the code.
pub(super) fn error_object(error: &Value) -> ProviderError {
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = error.get("code").and_then(Value::as_u64).map(|code| code.to_string());
    ProviderError {
        message: error.as_str().or_else(|| text("message")).map(str::to_owned),
        code: text("status").map(str::to_owned).or(number),
    }
}

/// Models that generate content, without the `models/` before their names.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of models.
pub(crate) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|cause| malformed("a list of models that is not JSON", cause.to_string()))?;
    if let Some(models) = value.get("publisherModels").and_then(Value::as_array) {
        return Ok(models.iter().filter_map(publisher_model).collect());
    }
    let models = value.get("models").and_then(Value::as_array);
    let models = models.ok_or_else(|| malformed("no list of models", "`models` is no array"))?;
    Ok(models.iter().filter(|model| chats(model)).filter_map(listed_model).collect())
}

fn chats(model: &Value) -> bool {
    let methods = model.get("supportedGenerationMethods").and_then(Value::as_array);
    methods.is_some_and(|methods| methods.iter().any(|method| method == CHAT_METHOD))
}

/// Vertex AI does not say what its models can do; the names of those that chat begin alike.
fn publisher_model(model: &Value) -> Option<ListedModel> {
    let id = model.get("name")?.as_str()?.strip_prefix(PUBLISHER_PREFIX)?;
    let chats = id.starts_with("gemini-") && !id.contains("embedding");
    chats.then(|| ListedModel { id: id.to_owned(), ..ListedModel::default() })
}

fn listed_model(model: &Value) -> Option<ListedModel> {
    let name = model.get("name")?.as_str()?;
    Some(ListedModel {
        id: name.strip_prefix(NAME_PREFIX).unwrap_or(name).to_owned(),
        display_name: model.get("displayName").and_then(Value::as_str).map(str::to_owned),
        context_length: model.get("inputTokenLimit").and_then(Value::as_u64),
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_alone_and_in_an_array() {
        let object = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#;
        for body in [object.to_owned(), format!("[{object}]")] {
            let error = provider_error(body.as_bytes());
            assert_eq!(error.message.as_deref(), Some("m"), "{body}");
            assert_eq!(error.code.as_deref(), Some("RESOURCE_EXHAUSTED"), "{body}");
        }
        let bare = provider_error(br#"{"error":{"code":503,"message":"m"}}"#);
        assert_eq!(bare.code.as_deref(), Some("503"));
    }

    #[test]
    fn only_models_that_chat_are_listed_and_without_their_prefix() {
        let body = br#"{"models":[
            {"name":"models/gemini-a","displayName":"A","inputTokenLimit":8,
             "supportedGenerationMethods":["generateContent","countTokens"]},
            {"name":"models/embedder","supportedGenerationMethods":["embedContent"]},
            {"name":"models/odd"}]}"#;
        let models = decode_models(body).unwrap();
        assert_eq!(models.len(), 1);
        assert_eq!(models[0].id, "gemini-a");
        assert_eq!(models[0].context_length, Some(8));
        assert!(decode_models(b"[]").is_err());
        let body = br#"{"publisherModels":[{"name":"publishers/google/models/gemini-2.5-pro"},
            {"name":"publishers/google/models/imagen-4"}]}"#;
        let ids: Vec<String> =
            decode_models(body).unwrap().into_iter().map(|model| model.id).collect();
        assert_eq!(ids, ["gemini-2.5-pro"]);
    }
}
