//! Providers without configuration: from keys in the environment, and from servers on this machine.

use std::{collections::HashMap, sync::Arc, time::Duration};

use backstay_core::Result;
use futures::future::join_all;

use crate::{
    catalogue::presets,
    credential::{AuthScheme, Credential},
    http::Upstreams,
    platforms,
    provider::{Provider, ProviderSpec},
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

/// Every preset whose credentials are in the environment. `OPENAI_BASE_URL` and the like move a
/// provider, as they do for the providers' own clients. One whose credentials cannot be used is left
/// out with a warning: the variables may be there for another program.
pub fn from_environment(environment: &Environment) -> Result<Vec<Arc<Provider>>> {
    let mut found = Vec::new();
    for preset in presets().iter().filter(|preset| !preset.local) {
        let credential = match preset.auth() {
            AuthScheme::AwsSigv4 => platforms::aws(environment, preset),
            AuthScheme::GoogleOauth => {
                platforms::google_credentials(environment).unwrap_or_else(|error| {
                    tracing::warn!(provider = preset.id, "left out: {}", error.message());
                    None
                })
            }
            scheme => preset.key(environment).map(|key| Credential::key(scheme, Some(key))),
        };
        let Some(credential) = credential else { continue };
        let platform = platforms::platform(preset.platform, environment);
        match platforms::addresses(preset, environment) {
            Ok((base_url, models)) => {
                let spec = ProviderSpec { platform, models, ..preset.spec(&base_url, credential) };
                found.push(Arc::new(Provider::new(spec)?));
            }
            Err(missing) => tracing::info!(
                provider = preset.id,
                "its key is in the environment, but not {missing}, which its address needs"
            ),
        }
    }
    Ok(found)
}

/// How long a local server may take to say which models it has.
const PROBE_MS: u64 = 400;

/// Asks the usual ports of local model servers; one that lists its models is a provider. Nothing is
/// sent but `GET /models`.
pub async fn probe_local(upstreams: &Upstreams, environment: &Environment) -> Vec<Arc<Provider>> {
    let probes = presets().iter().filter(|preset| preset.local).map(|preset| async move {
        let (base_url, models) = platforms::addresses(preset, environment).ok()?;
        let spec = ProviderSpec { models, ..preset.spec(&base_url, Credential::None) };
        let provider = Provider::new(spec).ok()?;
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

    fn found(variables: &[(&'static str, &'static str)]) -> Vec<Arc<Provider>> {
        from_environment(&Environment::of(variables.iter().copied())).unwrap()
    }

    fn http(provider: &Provider) -> &crate::HttpProvider {
        let crate::ProviderKind::Http(http) = &provider.kind else { panic!("built in") };
        http
    }

    #[test]
    fn azure_needs_its_endpoint_and_takes_a_version() {
        assert!(found(&[("AZURE_OPENAI_API_KEY", "k")]).is_empty());
        let azure = found(&[
            ("AZURE_OPENAI_API_KEY", "k"),
            ("AZURE_OPENAI_ENDPOINT", "https://acme.openai.azure.com/"),
        ]);
        let url = http(&azure[0]).chat_url("gpt", true);
        assert_eq!(url, "https://acme.openai.azure.com/openai/v1/chat/completions");
        let dated = found(&[
            ("AZURE_OPENAI_API_KEY", "k"),
            ("AZURE_OPENAI_ENDPOINT", "https://acme.openai.azure.com/openai/v1/"),
            ("OPENAI_API_VERSION", "2024-10-21"),
        ]);
        let url = http(&dated[0]).chat_url("gpt", true);
        assert!(
            url.ends_with(
                "azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
            )
        );
    }

    #[test]
    fn bedrock_is_found_by_keys_or_its_bearer_token_and_a_region() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];
        assert!(found(&keys).is_empty(), "without a region there is no address");
        let signed = found(&[keys[0], keys[1], ("AWS_REGION", "eu-west-1")]);
        assert_eq!(signed[0].id, "bedrock");
        assert!(matches!(http(&signed[0]).credential, Credential::Aws(_)));
        let url = http(&signed[0]).chat_url("amazon.nova-lite-v1:0", true);
        let host = "https://bedrock-runtime.eu-west-1.amazonaws.com";
        assert_eq!(url, format!("{host}/model/amazon.nova-lite-v1%3A0/converse-stream"));
        let bearer =
            found(&[("AWS_BEARER_TOKEN_BEDROCK", "b"), ("AWS_DEFAULT_REGION", "eu-west-1")]);
        assert!(matches!(http(&bearer[0]).credential, Credential::Key { .. }));
    }

    #[test]
    fn vertex_without_a_readable_credentials_file_is_left_out() {
        let variables = [
            ("GOOGLE_CLOUD_PROJECT", "p"),
            ("GOOGLE_CLOUD_LOCATION", "global"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file.json"),
        ];
        assert!(found(&variables).is_empty());
    }

    #[test]
    fn a_key_without_its_account_makes_no_provider() {
        assert!(found(&[("CLOUDFLARE_API_TOKEN", "k")]).is_empty());
        let cloudflare = found(&[("CLOUDFLARE_API_TOKEN", "k"), ("CLOUDFLARE_ACCOUNT_ID", "a")]);
        assert!(http(&cloudflare[0]).base_url.contains("/accounts/a/ai"));
    }
}
