//! What the provider answers besides content: its error bodies, its reasons, its list of models.

use backstay_core::{Error, Result, chat::FinishReason};
use serde_json::Value;

use crate::{
    ListedModel, ProviderError,
    upstream_error::{in_answer, malformed},
};

/// What an error body says: `{"message": "…"}`.
pub(crate) fn provider_error(body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            ProviderError { message: text("message").or_else(|| text("data")), code: None }
        }
        Err(_) => ProviderError::from_text(body),
    }
}

/// Why an answer ended.
///
/// # Errors
/// When it ended because the model failed; `said` is what the provider says to that.
pub(super) fn finish_reason(word: &str, said: Option<String>) -> Result<FinishReason> {
    match word {
        "COMPLETE" | "STOP_SEQUENCE" => Ok(FinishReason::Stop),
        "MAX_TOKENS" => Ok(FinishReason::Length),
        "TOOL_CALL" => Ok(FinishReason::ToolCalls),
        "ERROR_TOXIC" => Ok(FinishReason::ContentFilter),
        "ERROR" | "TIMEOUT" | "ERROR_LIMIT" => Err(failed(word, said)),
        other => Ok(FinishReason::Other(other.to_ascii_lowercase())),
    }
}

pub(super) fn failed(code: &str, said: Option<String>) -> Error {
    in_answer(&ProviderError { message: said, code: Some(code.to_ascii_lowercase()) })
}

/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of models.
pub(crate) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|cause| malformed("a list of models that is not JSON", cause.to_string()))?;
    let models = value.get("models").and_then(Value::as_array);
    let models = models.ok_or_else(|| malformed("no list of models", "`models` is no array"))?;
    Ok(models.iter().filter_map(listed_model).collect())
}

fn listed_model(model: &Value) -> Option<ListedModel> {
    Some(ListedModel {
        id: model.get("name")?.as_str()?.to_owned(),
        // Written as a floating-point number.
        context_length: model.get("context_length").and_then(Value::as_f64).map(|n| n as u64),
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_models_are_read() {
        let error = provider_error(br#"{"id":"x","message":"invalid api token"}"#);
        assert_eq!(error.message.as_deref(), Some("invalid api token"));
        let body = br#"{"models":[{"name":"command-a-03-2025","endpoints":["chat"],
            "context_length":256000.0},{"endpoints":[]}]}"#;
        let models = decode_models(body).unwrap();
        assert_eq!((models.len(), models[0].context_length), (1, Some(256_000)));
        assert!(decode_models(b"{}").is_err());
    }
}
