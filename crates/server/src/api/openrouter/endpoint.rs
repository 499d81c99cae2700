//! An endpoint in OpenRouter's shape.

use backstay_core::{EndpointFacts, Percentiles, Quantization};
use backstay_routing::{ModelCard, ModelEntry, Record};
use serde_json::{Value, json};

use super::price::Pricing;

/// Every member that its SDKs require. What is measured is measured on this server's own traffic; what
/// is not is null, as it is there for endpoints without any.
pub(super) fn shown(
    card: &ModelCard,
    entry: &ModelEntry,
    provider: &str,
    record: &Record,
) -> Value {
    let facts = &*entry.facts;
    let takes_choice = is_known_to_support(facts, "tool_choice");
    json!({
        "name": format!("{provider} | {}", card.id),
        "model_id": card.id,
        "model_name": card.name,
        "provider_name": provider,
        "tag": tag(entry),
        "context_length": facts.context_length.or(card.facts.context_length).unwrap_or(0),
        "max_completion_tokens": facts.output_tokens_max,
        "max_prompt_tokens": Value::Null,
        "quantization": facts.quantization.unwrap_or(Quantization::Unknown),
        "pricing": Pricing::of(facts.price.as_ref()),
        "supported_parameters": facts.parameters.as_deref().unwrap_or_default(),
        "supports_implicit_caching": caches_unasked(facts),
        "supports_tool_choice": {
            "auto": takes_choice, "none": takes_choice,
            "required": takes_choice, "function": takes_choice,
        },
        "supports_diarization": false,
        "native_tools": {},
        "service_tier": Value::Null,
        "status": 0,
        "uptime_last_5m": record.uptime_5m,
        "uptime_last_30m": record.uptime_30m,
        "uptime_last_1d": record.uptime_1d,
        "latency_last_30m": record.first_token_ms.as_ref().map(percentiles),
        "throughput_last_30m": record.tokens_per_second.as_ref().map(percentiles),
    })
}

fn percentiles(known: &Percentiles) -> Value {
    json!({"p50": known.p50, "p75": known.p75, "p90": known.p90, "p99": known.p99})
}

/// A provider, and the number format where it is known: `deepinfra/fp8`.
fn tag(entry: &ModelEntry) -> String {
    let format = entry.facts.quantization.and_then(|known| serde_json::to_value(known).ok());
    match format.as_ref().and_then(Value::as_str) {
        Some(format) => format!("{}/{format}", entry.provider),
        None => entry.provider.clone(),
    }
}

/// Who charges less for what was cached and nothing for caching it does so without being asked.
fn caches_unasked(facts: &EndpointFacts) -> bool {
    let price = facts.price.as_ref();
    price.is_some_and(|price| price.cached_prompt.is_some() && price.cache_write.is_none())
}

fn is_known_to_support(facts: &EndpointFacts, parameter: &str) -> bool {
    facts.parameters.iter().flatten().any(|known| known == parameter)
}
