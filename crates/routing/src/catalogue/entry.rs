//! What the catalogue is made of.

use std::sync::Arc;

use backstay_core::{EndpointFacts, Price};
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

/// What configuration says of a provider's model.
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
}

/// A model name of the operator's own, served by endpoints in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub id: String,
    /// `provider/model` each.
    pub endpoints: Vec<String>,
}

/// A line of the model list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelEntry {
    pub id: String,
    pub provider: String,
    pub display_name: Option<String>,
    pub facts: EndpointFacts,
}
