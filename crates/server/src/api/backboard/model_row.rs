//! One model at one provider, as this dialect shows it.

use std::sync::Arc;

use backstay_core::{EndpointFacts, Modality, Money};
use backstay_routing::{ModelCard, ModelEntry};
use serde_json::{Value, json};

/// Picodollars a token to dollars a million of them.
const PICODOLLARS_PER_DOLLAR_OF_A_MILLION: f64 = 1e6;
/// Of an endpoint whose limit nobody knows: clients need a number.
const CONTEXT_ASSUMED: u64 = 8_192;
/// Numbers in a vector of all-MiniLM-L6-v2, the built-in embedding model.
const BUILTIN_DIMENSIONS: u64 = 384;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Llm,
    Embedding,
    Image,
}

pub(super) struct ModelRow {
    display_name: String,
    entry: Arc<ModelEntry>,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Embedding => "embedding",
            Self::Image => "image",
        }
    }
}

impl ModelRow {
    pub(super) fn of(card: &ModelCard, entry: &Arc<ModelEntry>) -> Self {
        Self { display_name: card.name.clone(), entry: Arc::clone(entry) }
    }

    pub(super) fn provider(&self) -> &str {
        &self.entry.provider
    }

    /// The provider's own name of it.
    fn name(&self) -> &str {
        let of_provider = self.entry.id.strip_prefix(&self.entry.provider);
        of_provider.and_then(|rest| rest.strip_prefix('/')).unwrap_or(&self.entry.id)
    }

    fn facts(&self) -> &EndpointFacts {
        &self.entry.facts
    }

    pub(super) fn is_of(&self, provider: &str) -> bool {
        self.provider().eq_ignore_ascii_case(provider)
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        [self.name(), &self.entry.id].iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    pub(super) fn gives(&self, modality: Modality) -> bool {
        self.facts().output_modalities.as_ref().is_some_and(|all| all.contains(&modality))
    }

    fn takes(&self, modality: Modality) -> bool {
        self.facts().input_modalities.as_ref().is_some_and(|all| all.contains(&modality))
    }

    pub(super) fn kind(&self) -> Kind {
        let gives_text = self.gives(Modality::Text);
        match (self.gives(Modality::Embeddings), self.gives(Modality::Image) && !gives_text) {
            (true, _) => Kind::Embedding,
            (false, true) => Kind::Image,
            (false, false) => Kind::Llm,
        }
    }

    pub(super) fn supports(&self, parameter: &str) -> bool {
        self.kind() == Kind::Llm && self.facts().supports(parameter)
    }

    fn context(&self) -> u64 {
        self.facts().context_length.unwrap_or(CONTEXT_ASSUMED)
    }

    pub(super) fn has_context(&self, (min, max): (Option<u64>, Option<u64>)) -> bool {
        is_within(self.context(), min, max)
    }

    /// One whose numbers are not known has as many as are asked for.
    pub(super) fn has_dimensions(&self, (min, max): (Option<u64>, Option<u64>)) -> bool {
        self.dimensions().is_none_or(|count| is_within(count, min, max))
    }

    /// No list of models tells them: those that are known are told by the name.
    fn dimensions(&self) -> Option<u64> {
        let name = self.name();
        [("minilm", BUILTIN_DIMENSIONS), ("3-large", 3_072), ("3-small", 1_536), ("ada-002", 1_536)]
            .into_iter()
            .find(|(part, _)| name.to_ascii_lowercase().contains(part))
            .map(|(_, count)| count)
    }

    pub(super) fn to_json(&self) -> Value {
        let facts = self.facts();
        let price = |of: fn(&backstay_core::Price) -> Option<Money>| {
            facts.price.as_ref().and_then(of).map(per_million)
        };
        json!({
            "name": self.name(),
            "provider": self.provider(),
            "model_type": self.kind().as_str(),
            "display_name": self.display_name,
            "context_limit": self.context(),
            "max_output_tokens": facts.output_tokens_max,
            "supports_tools": self.supports("tools"),
            "supports_thinking": self.supports("reasoning"),
            "supports_json_output": self.supports("response_format"),
            "system_one_capabilities": self.question_types(),
            "supports_streaming": self.kind() == Kind::Llm,
            "supports_vision": self.takes(Modality::Image),
            "supports_audio_input": self.takes(Modality::Audio),
            "supports_video_input": self.takes(Modality::Video),
            "supports_image_output": self.gives(Modality::Image),
            "supports_audio_output": self.gives(Modality::Audio),
            "supports_video_output": self.gives(Modality::Video),
            "supported_parameters": facts.parameters,
            "embedding_dimensions": self.dimensions().filter(|_| self.kind() == Kind::Embedding),
            "input_cost_per_1m_tokens": price(|price| Some(price.prompt)),
            "cached_input_cost_per_1m_tokens": price(|price| price.cached_prompt),
            "output_cost_per_1m_tokens": price(|price| Some(price.completion)),
            "cost_per_image": price(|price| price.image),
        })
    }

    /// The typed questions that it answers reliably, which takes JSON.
    fn question_types(&self) -> Option<Value> {
        let types = json!({"question_types": ["noul", "choice", "score"]});
        self.supports("response_format").then_some(types)
    }

    pub(super) fn to_embedding_json(&self) -> Value {
        json!({
            "name": self.name(),
            "provider": self.provider(),
            "embedding_dimensions": self.dimensions().unwrap_or_default(),
            "context_limit": self.context(),
        })
    }

    pub(super) fn to_thinking_json(&self) -> Value {
        let supported = self.supports("reasoning");
        let fields = ["effort", "budget_tokens", "max_tokens", "exclude_reasoning"];
        let allowed = if supported { fields.as_slice() } else { &[] };
        json!({
            "provider": self.provider(),
            "model": self.name(),
            "max_output_tokens": self.facts().output_tokens_max,
            "supports_thinking": supported,
            "thinking_controls": {
                "supported": supported, "allowed_fields": allowed, "defaults_only": false
            },
        })
    }
}

fn is_within(count: u64, min: Option<u64>, max: Option<u64>) -> bool {
    min.is_none_or(|min| count >= min) && max.is_none_or(|max| count <= max)
}

fn per_million(price: Money) -> f64 {
    price.picodollars() as f64 / PICODOLLARS_PER_DOLLAR_OF_A_MILLION
}
