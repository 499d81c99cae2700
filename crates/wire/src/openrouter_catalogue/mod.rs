//! The catalogue that OpenRouter publishes, as an upstream's: its models, and the endpoints of one.
//!
//! Facts per <https://openrouter.ai/docs> (Models, List endpoints). A row that cannot be read is left
//! out, a field that cannot be read is unknown: neither costs the others.

mod pricing;

use backstay_core::{EndpointFacts, Modality, Quantization, Result};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{ListedEndpoint, ListedModel, upstream_error::malformed};

/// Reads `GET /models`.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no such list.
pub fn decode_catalogue(body: &[u8]) -> Result<Vec<ListedModel>> {
    let value = json(body)?;
    let models = value.get("data").and_then(Value::as_array);
    let models = models.ok_or_else(|| malformed("no list of models", "`data` is no array"))?;
    Ok(models.iter().filter_map(model).collect())
}

/// Reads `GET /models/{author}/{slug}/endpoints`.
///
/// # Errors
/// `UpstreamInvalidResponse` when the body is no such list.
pub fn decode_endpoints(body: &[u8]) -> Result<Vec<ListedEndpoint>> {
    let value = json(body)?;
    let endpoints = value.pointer("/data/endpoints").and_then(Value::as_array);
    let endpoints =
        endpoints.ok_or_else(|| malformed("no list of endpoints", "`data.endpoints` is absent"))?;
    Ok(endpoints.iter().filter_map(endpoint).collect())
}

fn json(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body)
        .map_err(|cause| malformed("a catalogue that is not JSON", cause.to_string()))
}

fn model(row: &Value) -> Option<ListedModel> {
    let id = text(row, "/id")?;
    let context_length = count(row, "/top_provider/context_length");
    Some(ListedModel {
        display_name: text(row, "/name"),
        context_length: count(row, "/context_length").or(context_length),
        created: row.get("created").and_then(Value::as_i64).filter(|seconds| *seconds > 0),
        facts: EndpointFacts {
            price: row.get("pricing").and_then(pricing::price),
            context_length: count(row, "/context_length").or(context_length),
            output_tokens_max: count(row, "/top_provider/max_completion_tokens"),
            input_modalities: modalities(row, "/architecture/input_modalities"),
            output_modalities: modalities(row, "/architecture/output_modalities"),
            parameters: names(row, "/supported_parameters"),
            tokenizer: text(row, "/architecture/tokenizer"),
            ..EndpointFacts::default()
        },
        id,
    })
}

fn endpoint(row: &Value) -> Option<ListedEndpoint> {
    let quantization =
        row.get("quantization").and_then(|word| Quantization::deserialize(word).ok());
    Some(ListedEndpoint {
        tag: text(row, "/tag")?,
        facts: EndpointFacts {
            price: row.get("pricing").and_then(pricing::price),
            context_length: count(row, "/context_length"),
            output_tokens_max: count(row, "/max_completion_tokens"),
            parameters: names(row, "/supported_parameters"),
            quantization: quantization.filter(|known| *known != Quantization::Unknown),
            ..EndpointFacts::default()
        },
    })
}

fn text(row: &Value, pointer: &str) -> Option<String> {
    let text = row.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn count(row: &Value, pointer: &str) -> Option<u64> {
    row.pointer(pointer)?.as_u64().filter(|count| *count > 0)
}

fn names(row: &Value, pointer: &str) -> Option<Vec<String>> {
    let names = row.pointer(pointer)?.as_array()?;
    Some(names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect())
}

/// Kinds that we do not know are left out.
fn modalities(row: &Value, pointer: &str) -> Option<Vec<Modality>> {
    let words = row.pointer(pointer)?.as_array()?;
    Some(words.iter().filter_map(|word| Modality::deserialize(word).ok()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full_row() -> Value {
        json!({
            "id": "acme/large-2", "canonical_slug": "acme/large-2-20260101", "name": "Acme: Large 2",
            "created": 1_767_225_600, "context_length": 262_144,
            "architecture": {
                "input_modalities": ["text", "image", "smell"], "output_modalities": ["text"],
                "modality": "text+image->text", "tokenizer": "Other", "instruct_type": null,
            },
            "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
            "top_provider": {"context_length": 131_072, "max_completion_tokens": 8_192,
                "is_moderated": false},
            "per_request_limits": null, "supported_parameters": ["tools", "temperature"],
            "something_new": {"a": [1]},
        })
    }

    #[test]
    fn a_models_facts_are_read_and_unknown_fields_and_kinds_passed_over() {
        let body = json!({"data": [full_row()], "total_count": 1}).to_string();
        let model = decode_catalogue(body.as_bytes()).unwrap().remove(0);
        assert_eq!((model.id.as_str(), model.created), ("acme/large-2", Some(1_767_225_600)));
        let facts = model.facts;
        assert_eq!(facts.context_length, Some(262_144));
        assert_eq!(facts.output_tokens_max, Some(8_192));
        assert_eq!(facts.input_modalities, Some(vec![Modality::Text, Modality::Image]));
        assert_eq!(facts.tokenizer.as_deref(), Some("Other"));
        assert!(facts.supports("tools") && !facts.supports("seed"));
        assert_eq!(facts.price.unwrap().completion.to_string(), "0.00001");
    }

    #[test]
    fn a_bad_row_costs_only_itself_and_a_bad_field_is_unknown() {
        let odd = json!({"id": "acme/odd", "context_length": "long", "architecture": 3,
            "pricing": {"prompt": "cheap"}, "supported_parameters": null});
        let body = json!({"data": [{"name": "no id"}, 7, null, odd, full_row()]}).to_string();
        let models = decode_catalogue(body.as_bytes()).unwrap();
        let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["acme/odd", "acme/large-2"]);
        assert_eq!(models[0].facts, EndpointFacts::default());
        assert!(decode_catalogue(b"<html>").is_err());
        assert!(decode_catalogue(br#"{"data": {}}"#).is_err());
    }

    #[test]
    fn thousands_of_models_are_read() {
        let rows: Vec<Value> = (0..5_000)
            .map(|number| {
                let mut row = full_row();
                row["id"] = json!(format!("acme/large-{number}"));
                row
            })
            .collect();
        let body = json!({ "data": rows }).to_string();
        assert_eq!(decode_catalogue(body.as_bytes()).unwrap().len(), 5_000);
    }

    #[test]
    fn endpoints_are_read_with_their_tags() {
        let row = json!({"name": "Deep | acme/large-2", "tag": "deepinfra/turbo",
            "context_length": 32_768, "max_completion_tokens": null, "quantization": "fp8",
            "pricing": {"prompt": "0.000001", "completion": "0.000002"},
            "supported_parameters": ["tools"], "status": 0});
        let unknown = json!({"tag": "acme", "quantization": "unknown"});
        let body = json!({"data": {"id": "acme/large-2", "endpoints": [row, unknown, {}]}});
        let endpoints = decode_endpoints(body.to_string().as_bytes()).unwrap();
        assert_eq!(endpoints.len(), 2);
        assert_eq!(endpoints[0].tag, "deepinfra/turbo");
        assert_eq!(endpoints[0].facts.quantization, Some(Quantization::Fp8));
        assert_eq!(endpoints[1].facts.quantization, None);
        assert!(decode_endpoints(br#"{"data": []}"#).is_err());
    }
}
