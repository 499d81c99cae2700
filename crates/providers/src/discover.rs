//! Providers without configuration: from keys in the environment, and from servers on this machine.

use std::{collections::HashMap, sync::Arc, time::Duration};

use backstay_core::{Result, Secret};
use futures::future::join_all;

use crate::{
    catalogue::{Preset, presets},
    http::Upstreams,
    provider::Provider,
};

/// The environment as a value, so that a test can have one of its own.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    pub fn of(variables: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        Self(variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    /// The same environment with one more variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

/// Every preset whose key variable is set. `OPENAI_BASE_URL` and the like move a provider, as they
/// do for the providers' own clients.
pub fn from_environment(environment: &Environment) -> Result<Vec<Arc<Provider>>> {
    let found = presets().iter().filter_map(|preset| {
        let key = preset.key_env.iter().find_map(|name| environment.get(name))?;
        Some((preset, Secret::new(key)?))
    });
    found
        .map(|(preset, key)| {
            let base_url = base_url(preset, environment);
            Provider::from_preset(preset, base_url, Some(key)).map(Arc::new)
        })
        .collect()
}

fn base_url<'a>(preset: &'a Preset, environment: &'a Environment) -> &'a str {
    let variable = format!("{}_BASE_URL", preset.id.to_uppercase());
    environment.get(&variable).unwrap_or(&preset.base_url)
}

/// How long a local server may take to say which models it has.
const PROBE_MS: u64 = 400;

/// Asks the usual ports of local model servers; one that lists its models is a provider. Nothing is
/// sent but `GET /models`.
pub async fn probe_local(upstreams: &Upstreams, environment: &Environment) -> Vec<Arc<Provider>> {
    let probes = presets().iter().filter(|preset| preset.local).map(|preset| async move {
        let base_url = base_url(preset, environment);
        let provider = Provider::from_preset(preset, base_url, None).ok()?;
        let limit = Duration::from_millis(PROBE_MS);
        let models = tokio::time::timeout(limit, upstreams.list_models(&provider)).await.ok()?;
        models.ok().filter(|models| !models.is_empty()).map(|_| Arc::new(provider))
    });
    join_all(probes).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_in_the_environment_makes_its_provider_available_in_order_of_preference() {
        let environment = Environment::of([
            ("GROQ_API_KEY", "gsk-1"),
            ("ANTHROPIC_API_KEY", "sk-ant-1"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/"),
            ("OPENAI_API_KEY", "  "),
        ]);
        let found = from_environment(&environment).unwrap();
        let ids: Vec<_> = found.iter().map(|provider| provider.id.as_str()).collect();
        assert_eq!(ids, ["anthropic", "groq"]);
        let crate::ProviderKind::Http(http) = &found[0].kind else { panic!() };
        assert_eq!(http.base_url, "http://127.0.0.1:9");
    }
}
