//! `[[providers]]`: where models run.

use backstay_core::{DataPolicy, Error, Result, Secret, WireFormat};
use backstay_providers::{Environment, Provider};
use backstay_routing::ConfiguredModel;
use serde::Deserialize;

/// A provider by wire format and base URL. Holds a key in clear text while it is read, so its
/// `Debug` is written by hand.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSection {
    pub(crate) id: String,
    #[serde(default)]
    name: Option<String>,
    format: WireFormat,
    base_url: String,
    #[serde(default)]
    api_key: Option<String>,
    /// The environment variable that holds the key.
    #[serde(default)]
    api_key_env: Option<String>,
    /// Whether it passes calls on to other providers under their models' catalogue names, as
    /// OpenRouter does.
    #[serde(default)]
    aggregator: bool,
    /// What the operator knows it to do with prompts.
    #[serde(default)]
    data: DataPolicy,
    #[serde(default)]
    pub(crate) models: Vec<ConfiguredModel>,
}

impl std::fmt::Debug for ProviderSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSection")
            .field("id", &self.id)
            .field("format", &self.format)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl ProviderSection {
    pub(crate) fn provider(&self, environment: &Environment) -> Result<Provider> {
        let key = match (&self.api_key, &self.api_key_env) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(format!(
                    "provider {}: set api_key or api_key_env, not both",
                    self.id
                )));
            }
            (Some(key), None) => Secret::new(key),
            (None, Some(variable)) => {
                let value = environment.get(variable).ok_or_else(|| {
                    Error::invalid(format!(
                        "provider {}: the environment has no {variable} (api_key_env)",
                        self.id
                    ))
                })?;
                Secret::new(value)
            }
            (None, None) => None,
        };
        let name = self.name.as_deref().unwrap_or(&self.id);
        let provider = Provider::http(&self.id, name, self.format, &self.base_url, key)?;
        Ok(Provider { is_aggregator: self.aggregator, data: self.data.clone(), ..provider })
    }
}
