//! The catalogue that Backstay ships with, so that it knows models and prices without a network.
//!
//! `seed/make.py` writes it from published price lists; NOTICE names their licences.

use std::{collections::HashMap, sync::OnceLock};

use backstay_core::{EndpointFacts, Modality, Price, Quantization};
use serde::{Deserialize, de::value::StrDeserializer};

use super::PriceSource;

const FILE: &str = include_str!("../../seed/catalogue.json");

/// What the shipped catalogue knows.
#[derive(Default)]
pub(super) struct Seed {
    /// By catalogue name.
    models: HashMap<String, Model>,
    /// By provider.
    endpoints: HashMap<String, Vec<SeedEndpoint>>,
}

/// An endpoint of the shipped catalogue.
pub(super) struct SeedEndpoint {
    /// The provider's own name of the model.
    pub(super) id: String,
    /// The model's catalogue name.
    pub(super) model: String,
    pub(super) facts: EndpointFacts,
    pub(super) price_source: Option<PriceSource>,
}

/// What is common to a model's endpoints.
pub(super) struct Model {
    pub(super) name: String,
    pub(super) facts: EndpointFacts,
}

/// Read when it is first asked for.
pub(super) fn seed() -> &'static Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    SEED.get_or_init(|| match serde_json::from_str(FILE) {
        Ok(file) => Seed::of(file),
        Err(cause) => {
            tracing::error!(%cause, "the shipped catalogue cannot be read");
            Seed::default()
        }
    })
}

impl Seed {
    fn of(file: File) -> Self {
        let models: HashMap<String, Model> = file
            .models
            .into_iter()
            .map(|row| {
                let tokenizer = Some(row.tokenizer);
                let facts = EndpointFacts { tokenizer, ..row.facts.known() };
                (row.id, Model { name: row.name, facts })
            })
            .collect();
        let mut endpoints: HashMap<String, Vec<SeedEndpoint>> = HashMap::new();
        for row in file.endpoints {
            let common = models.get(&row.model).map(|model| &model.facts);
            let own = EndpointFacts {
                price: row.price,
                quantization: row.quantization,
                ..row.facts.known()
            };
            let price_source = row.source.map(|name| PriceSource {
                as_of: file.sources.get(&name).map(|source| source.as_of.clone()),
                name,
            });
            endpoints.entry(row.provider).or_default().push(SeedEndpoint {
                id: row.id,
                model: row.model,
                facts: own.or(common.unwrap_or(&EndpointFacts::default())),
                price_source,
            });
        }
        Self { models, endpoints }
    }

    pub(super) fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// Catalogue names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    pub(super) fn endpoints(&self, provider: &str) -> &[SeedEndpoint] {
        self.endpoints.get(provider).map(Vec::as_slice).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct File {
    sources: HashMap<String, Source>,
    models: Vec<ModelRow>,
    endpoints: Vec<EndpointRow>,
}

#[derive(Deserialize)]
struct Source {
    as_of: String,
}

#[derive(Deserialize)]
struct ModelRow {
    id: String,
    name: String,
    tokenizer: String,
    #[serde(flatten)]
    facts: FactsRow,
}

#[derive(Deserialize)]
struct EndpointRow {
    provider: String,
    id: String,
    model: String,
    #[serde(default)]
    price: Option<Price>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    quantization: Option<Quantization>,
    #[serde(flatten)]
    facts: FactsRow,
}

/// What a row says itself; an endpoint's row says only what differs from its model's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FactsRow {
    context_length: Option<u64>,
    max_completion_tokens: Option<u64>,
    /// `text+image->text`
    modality: Option<String>,
    can: Option<Vec<Ability>>,
    cannot: Option<Vec<Ability>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ability {
    Reasoning,
    Structured,
    Temperature,
    Tools,
}

impl Ability {
    /// The request parameters that come with it.
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Reasoning => &["reasoning", "include_reasoning"],
            Self::Structured => &["response_format", "structured_outputs"],
            Self::Temperature => &["temperature", "top_p"],
            Self::Tools => &["tools", "tool_choice"],
        }
    }
}

impl FactsRow {
    fn known(self) -> EndpointFacts {
        let (inputs, outputs) = self.modality.as_deref().and_then(|m| m.split_once("->")).unzip();
        EndpointFacts {
            context_length: self.context_length,
            output_tokens_max: self.max_completion_tokens,
            input_modalities: inputs.map(modalities),
            output_modalities: outputs.map(modalities),
            parameters: self.can.as_deref().map(parameters),
            lacks: self.cannot.as_deref().or(self.can.as_ref().map(|_| &[][..])).map(parameters),
            ..EndpointFacts::default()
        }
    }
}

fn modalities(words: &str) -> Vec<Modality> {
    let read = |word| Modality::deserialize(StrDeserializer::<serde::de::value::Error>::new(word));
    words.split('+').filter_map(|word| read(word).ok()).collect()
}

fn parameters(abilities: &[Ability]) -> Vec<String> {
    abilities.iter().flat_map(|ability| ability.parameters()).map(|&name| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_is_readable_and_every_endpoint_has_its_model() {
        let file: File = serde_json::from_str(FILE).unwrap();
        let (models, endpoints) = (file.models.len(), file.endpoints.len());
        assert!(models > 500 && endpoints > 1_000, "{models} models, {endpoints} endpoints");
        let seed = seed();
        assert_eq!(seed.models.len(), models);
        assert_eq!(seed.endpoints.values().map(Vec::len).sum::<usize>(), endpoints);
        for endpoint in seed.endpoints.values().flatten() {
            assert!(seed.model(&endpoint.model).is_some(), "{}", endpoint.model);
            let source = endpoint.price_source.as_ref();
            assert_eq!(endpoint.facts.price.is_some(), source.is_some(), "{}", endpoint.id);
            assert!(source.is_none_or(|source| source.as_of.is_some()), "{}", endpoint.id);
        }
    }

    #[test]
    fn an_endpoint_has_its_models_facts_where_it_says_none_of_its_own() {
        let file = r#"{"sources": {"list": {"as_of": "2026-11-10"}}, "models": [
            {"id": "acme/m", "name": "M", "tokenizer": "Other", "context_length": 100,
             "modality": "text+image->text", "can": ["tools"], "cannot": ["structured"]}],
            "endpoints": [{"provider": "host", "id": "M-fp8", "model": "acme/m", "context_length": 50,
             "quantization": "fp8", "price": {"prompt": "0.1", "completion": "0.2"},
             "source": "list"}]}"#;
        let seed = Seed::of(serde_json::from_str(file).unwrap());
        let facts = &seed.endpoints("host")[0].facts;
        assert_eq!(facts.context_length, Some(50));
        assert_eq!(facts.input_modalities, Some(vec![Modality::Text, Modality::Image]));
        assert_eq!(facts.tokenizer.as_deref(), Some("Other"));
        assert!(facts.supports("tools") && facts.supports("seed"));
        assert!(!facts.supports("structured_outputs"));
    }
}
