//! What the provider answers besides content: its error bodies, its reasons, its list of models.

use backstay_core::{Result, chat::FinishReason};
use serde_json::Value;

use crate::{ListedModel, ProviderError, upstream_error::malformed};

/// What an error body says: `{"message": "…"}`, with a type in some. The type of others is in a
/// header, and says what the status says.
pub(crate) fn provider_error(body: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            let kind = text("__type").or_else(|| text("code"));
            ProviderError {
                message: text("message").or_else(|| text("Message")),
                // A type may have its namespace before it.
                code: kind.map(|kind| kind.rsplit('#').next().unwrap_or_default().to_owned()),
            }
        }
        Err(_) => ProviderError::from_text(body),
    }
}

pub(super) fn finish_reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

/// Models that can be called on demand.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no list of models.
pub(crate) fn decode_models(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|cause| malformed("a list of models that is not JSON", cause.to_string()))?;
    let models = value.get("modelSummaries").and_then(Value::as_array);
    let models =
        models.ok_or_else(|| malformed("no list of models", "`modelSummaries` is no array"))?;
    Ok(models.iter().filter(|model| writes_text_on_demand(model)).filter_map(listed).collect())
}

/// Models without on-demand throughput are called through inference profiles, which have ids of
/// their own.
fn writes_text_on_demand(model: &Value) -> bool {
    let names = |list: &str, wanted: &str| {
        let items = model.get(list).and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(|item| item == wanted))
    };
    names("outputModalities", "TEXT") && names("inferenceTypesSupported", "ON_DEMAND")
}

fn listed(model: &Value) -> Option<ListedModel> {
    Some(ListedModel {
        id: model.get("modelId")?.as_str()?.to_owned(),
        display_name: model.get("modelName").and_then(Value::as_str).map(str::to_owned),
        ..ListedModel::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_and_without_their_type() {
        let plain = provider_error(br#"{"message":"The model is not ready"}"#);
        assert_eq!((plain.message.as_deref(), plain.code), (Some("The model is not ready"), None));
        let typed =
            provider_error(br#"{"__type":"com.amazon#AccessDeniedException","Message":"no"}"#);
        assert_eq!(typed.code.as_deref(), Some("AccessDeniedException"));
        assert_eq!(typed.message.as_deref(), Some("no"));
    }

    #[test]
    fn only_models_that_write_text_on_demand_are_listed() {
        let body = br#"{"modelSummaries":[
            {"modelId":"amazon.nova-lite-v1:0","modelName":"Nova Lite",
             "outputModalities":["TEXT"],"inferenceTypesSupported":["ON_DEMAND"]},
            {"modelId":"a.embedder","outputModalities":["EMBEDDING"],
             "inferenceTypesSupported":["ON_DEMAND"]},
            {"modelId":"a.claude","outputModalities":["TEXT"],
             "inferenceTypesSupported":["INFERENCE_PROFILE"]}]}"#;
        let models = decode_models(body).unwrap();
        assert_eq!(models.len(), 1);
        assert_eq!(models[0].display_name.as_deref(), Some("Nova Lite"));
        assert!(decode_models(b"{}").is_err());
    }
}
