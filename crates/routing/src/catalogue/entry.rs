//! What the catalogue is made of.

use std::sync::Arc;

use backstay_core::{DataPolicy, EndpointFacts, Modality, Price, Quantization, Timestamp};
use backstay_providers::Provider;
use serde::{Deserialize, Serialize};

/// One model at one provider.
#[derive(Clone)]
pub struct Endpoint {
    pub provider: Arc<Provider>,
    /// The provider's own name of the model.
    pub model: String,
    pub facts: Arc<EndpointFacts>,
}

impl Endpoint {
    /// `provider/model`, the name that clients can use.
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider.id, self.model)
    }

    /// `None` when unknown: its generations then have no cost, rather than a wrong one.
    pub fn price(&self) -> Option<&Price> {
        self.facts.price.as_ref()
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.provider.id == other.provider.id && self.model == other.model
    }
}

/// What a name stands for.
pub struct Resolved {
    pub endpoints: Vec<Endpoint>,
    /// Whether it is the operator's own name, whose endpoints are in the operator's order.
    pub is_route: bool,
}

/// What configuration says of a provider's model. It wins over every other source.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredModel {
    pub id: String,
    /// The model's name in the catalogue (`author/slug`) when it is not the provider's own.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub price: Option<Price>,
    #[serde(default)]
    pub context_length: Option<u64>,
    /// Tokens of an answer.
    #[serde(default)]
    pub output_tokens_max: Option<u64>,
    #[serde(default)]
    pub input_modalities: Option<Vec<Modality>>,
    #[serde(default)]
    pub output_modalities: Option<Vec<Modality>>,
    /// All request parameters that it honours, under their OpenRouter names.
    #[serde(default)]
    pub parameters: Option<Vec<String>>,
    #[serde(default)]
    pub data: DataPolicy,
    #[serde(default)]
    pub quantization: Option<Quantization>,
}

impl ConfiguredModel {
    pub(super) fn facts(&self) -> EndpointFacts {
        EndpointFacts {
            price: self.price.clone(),
            context_length: self.context_length,
            output_tokens_max: self.output_tokens_max,
            input_modalities: self.input_modalities.clone(),
            output_modalities: self.output_modalities.clone(),
            parameters: self.parameters.clone(),
            data: self.data.clone(),
            quantization: self.quantization,
            ..EndpointFacts::default()
        }
    }
}

/// A model name of the operator's own, served by endpoints in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub id: String,
    /// `provider/model` each.
    pub endpoints: Vec<String>,
}

/// Who says what a price is, and for which day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceSource {
    /// `configuration`, a provider's id, or a price list by its name.
    pub name: String,
    /// `2026-11-10`; `None` where it holds until it is changed.
    pub as_of: Option<String>,
}

/// An endpoint as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// What a call names it by: `provider/model`, or a route's name.
    pub id: String,
    pub provider: String,
    /// The catalogue name of the model that it serves, where that is known.
    pub model: Option<String>,
    pub display_name: Option<String>,
    /// Seconds since the Unix epoch.
    pub created: Option<i64>,
    pub facts: Arc<EndpointFacts>,
    pub price_source: Option<PriceSource>,
    /// When its provider listed it no more.
    pub gone_since: Option<Timestamp>,
}
