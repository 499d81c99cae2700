//! `GET /api/v1/models` and `GET /api/v1/models/{author}/{slug}/endpoints` as OpenRouter answers them,
//! for made-up models. `POST /sim/catalogue` puts others in their place.

use std::sync::{Mutex, PoisonError};

use axum::extract::Path;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::CREATED_UNIX_S;
use crate::exchange::Received;
use crate::failure::Failure;
use crate::openai::OpenAi;
use crate::wire::Wire as _;

/// Rows that are sent as they are, so that a test can send what a provider should not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalogue {
    /// What the list has as `data`: an array of rows, or anything that breaks a client.
    pub models: Value,
    /// Rows of a model's endpoints, by `author/slug`.
    pub endpoints: Map<String, Value>,
}

/// The catalogue that is answered with.
#[derive(Debug)]
pub(crate) struct Shelf(Mutex<Catalogue>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Mutex::new(Catalogue::of_made_up_models()))
    }
}

impl Shelf {
    pub(crate) fn set(&self, catalogue: Catalogue) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = catalogue;
    }

    fn read<T>(&self, read: impl FnOnce(&Catalogue) -> T) -> T {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn models(received: Received) -> Response {
    let allowed = OpenAi::authorize(&received.headers, received.query());
    let rows = received.app.shelf.read(|catalogue| catalogue.models.clone());
    let count = rows.as_array().map_or(0, Vec::len);
    let body = json!({"data": rows, "total_count": count, "links": {"next": null}});
    received.finish::<OpenAi>(allowed.map(|()| body))
}

pub(crate) fn endpoints(
    Path((author, slug)): Path<(String, String)>,
    received: Received,
) -> Response {
    let allowed = OpenAi::authorize(&received.headers, received.query());
    let id = format!("{author}/{slug}");
    let rows = received.app.shelf.read(|catalogue| catalogue.endpoints.get(&id).cloned());
    let body = rows.ok_or(Failure::ModelNotFound { model: id.clone() });
    let body = body.map(|rows| json!({"data": {"id": id, "name": id, "endpoints": rows}}));
    received.finish::<OpenAi>(allowed.and(body))
}

impl Catalogue {
    /// Three models of authors that do not exist: one with everything, one that is free, and a router
    /// whose price depends on the call.
    #[must_use]
    pub fn of_made_up_models() -> Self {
        let large = json!({
            "id": "acme/large-2", "canonical_slug": "acme/large-2-20260101",
            "name": "Acme: Large 2", "created": CREATED_UNIX_S, "description": "Made up.",
            "context_length": 262_144,
            "architecture": {"modality": "text+image->text", "input_modalities": ["text", "image"],
                "output_modalities": ["text"], "tokenizer": "Other", "instruct_type": null},
            "pricing": {"prompt": "0.0000025", "completion": "0.00001", "request": "0",
                "image": "0", "web_search": "0.01", "input_cache_read": "0.00000025",
                "input_cache_write": "0.000003125", "internal_reasoning": "0.00001",
                "overrides": [{"min_prompt_tokens": 128_000, "prompt": "0.000005"}]},
            "top_provider": {"context_length": 262_144, "max_completion_tokens": 32_768,
                "is_moderated": false},
            "per_request_limits": null, "default_parameters": {}, "supported_voices": null,
            "supported_parameters": ["max_tokens", "reasoning", "temperature", "tool_choice",
                "tools"],
            "links": {"details": "/api/v1/models/acme/large-2/endpoints"},
        });
        let small = json!({
            "id": "acme/small-1:free", "canonical_slug": "acme/small-1", "name": "Acme: Small 1 (free)",
            "created": CREATED_UNIX_S + 1, "context_length": 8_192,
            "architecture": {"modality": "text->text", "input_modalities": ["text"],
                "output_modalities": ["text"], "tokenizer": "Llama3"},
            "pricing": {"prompt": "0", "completion": "0"},
            "top_provider": {"is_moderated": true}, "per_request_limits": null,
            "supported_parameters": ["max_tokens", "temperature"],
            "links": {"details": "/api/v1/models/acme/small-1:free/endpoints"},
        });
        let router = json!({
            "id": "openrouter/auto", "canonical_slug": "openrouter/auto", "name": "Auto",
            "created": CREATED_UNIX_S - 1, "context_length": 2_000_000,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "pricing": {"prompt": "-1", "completion": "-1"}, "supported_parameters": [],
        });
        let endpoint = |tag: &str, prompt: &str, completion: &str| {
            json!({
                "name": format!("{tag} | acme/large-2"), "model_id": "acme/large-2",
                "provider_name": tag, "tag": tag, "context_length": 131_072,
                "max_completion_tokens": 16_384, "max_prompt_tokens": null, "quantization": "fp8",
                "pricing": {"prompt": prompt, "completion": completion},
                "supported_parameters": ["max_tokens", "tools"], "status": 0,
                "uptime_last_30m": 99.5, "supports_implicit_caching": true,
            })
        };
        let rows = json!([
            endpoint("groq/fp8", "0.000002", "0.000008"),
            endpoint("deepinfra/turbo", "0.000003", "0.000012")
        ]);
        let endpoints = Map::from_iter([("acme/large-2".to_owned(), rows)]);
        Self { models: json!([large, small, router]), endpoints }
    }
}
