//! A provider's list of its models.

use backstay_core::EndpointFacts;
use serde::{Deserialize, Serialize};

/// One model as a provider lists it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListedModel {
    /// The name under which the provider takes calls.
    pub id: String,
    pub display_name: Option<String>,
    /// Tokens that prompt and answer may have together, where the provider says so.
    pub context_length: Option<u64>,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    pub created: Option<i64>,
    /// What else an aggregator says of it.
    #[serde(default)]
    pub facts: EndpointFacts,
}

/// One provider's endpoint of a model, as an aggregator knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedEndpoint {
    /// The aggregator's name of the provider, with its variant: `deepinfra/turbo`.
    pub tag: String,
    pub facts: EndpointFacts,
}
