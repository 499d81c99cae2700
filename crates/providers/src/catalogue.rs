//! The known providers, as data: one file each under `catalogue/`.

use std::sync::OnceLock;

use backstay_core::{DataPolicy, Secret, WireFormat};
use backstay_wire::ParameterRules;
use serde::Deserialize;

use crate::{
    address::{ModelList, PlatformName},
    credential::{AuthScheme, Credential},
    discover::Environment,
    provider::ProviderSpec,
};

/// A provider that is known by name. Adding one is a file in `catalogue/` and a line below.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The prefix of its models' names; the file's name.
    #[serde(skip)]
    pub id: &'static str,
    pub name: String,
    pub format: WireFormat,
    /// With `{NAME}` where an environment variable is to be filled in, or `{name}` for what the
    /// platform's own settings say: `{region}`, `{project}`, `{location}`, `{host}`.
    pub base_url: String,
    /// Environment variables that hold its key, first found wins.
    #[serde(default)]
    pub key_env: Vec<String>,
    /// How it wants to be shown a credential, if not as its format does.
    #[serde(default)]
    pub auth: Option<AuthScheme>,
    #[serde(default)]
    pub platform: PlatformName,
    /// True for servers on this machine that need no key and are found by asking their usual port.
    #[serde(default)]
    pub local: bool,
    /// True for one that passes calls on to other providers under their models' catalogue names.
    #[serde(default)]
    pub aggregator: bool,
    /// What it says publicly that it does with prompts of calls through its API.
    #[serde(default)]
    pub data: DataPolicy,
    /// Where it lists its models, if not where its format has the list; placeholders as in `base_url`.
    #[serde(default)]
    pub models_url: Option<String>,
    /// False for those that have no list of models, or none of names that calls take.
    #[serde(default = "yes")]
    pub lists_models: bool,
    /// Where its fields differ from those of its format.
    #[serde(default)]
    pub parameters: ParameterRules,
    pub docs: String,
    /// The day on which the file was last compared with that documentation.
    #[serde(default)]
    pub checked: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Preset {
    pub fn named(id: &str) -> Option<&'static Self> {
        presets().iter().find(|preset| preset.id == id)
    }

    /// What it says of a provider at this address.
    pub fn spec(&self, base_url: &str, credential: Credential) -> ProviderSpec {
        ProviderSpec {
            name: self.name.clone(),
            parameters: self.parameters.clone(),
            is_aggregator: self.aggregator,
            // What runs on this machine leaves it for nobody.
            data: if self.local { DataPolicy::NOTHING_KEPT } else { self.data.clone() },
            ..ProviderSpec::new(self.id, self.format, base_url, credential)
        }
    }

    /// Its key, where the environment has one.
    pub fn key(&self, environment: &Environment) -> Option<Secret> {
        self.key_env.iter().find_map(|name| environment.get(name)).and_then(Secret::new)
    }

    pub fn auth(&self) -> AuthScheme {
        self.auth.unwrap_or(AuthScheme::of(self.format))
    }

    /// The base URL and the model list with their placeholders filled in.
    ///
    /// # Errors
    /// The name of the first placeholder for which `value` has nothing.
    pub fn addresses(
        &self,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<(String, ModelList), String> {
        let base_url = fill(&self.base_url, &value)?;
        let models = match &self.models_url {
            _ if !self.lists_models => ModelList::None,
            Some(url) => ModelList::At(fill(url, &value)?),
            None => ModelList::Standard,
        };
        Ok((base_url, models))
    }
}

fn fill(template: &str, value: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        let (name, after) = from.split_once('}').unwrap_or((from, ""));
        filled.push_str(before);
        filled.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

macro_rules! files {
    ($($id:literal)*) => {
        const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../catalogue/", $id, ".toml"))),)*];
    };
}

files! {
    "openai" "anthropic" "gemini" "openrouter" "azure" "bedrock" "vertex" "vertex-anthropic"
    "cohere" "groq" "mistral" "deepseek" "together" "xai" "fireworks" "cerebras" "perplexity"
    "deepinfra" "sambanova" "novita" "nebius" "huggingface" "cloudflare" "github" "nvidia"
    "moonshot" "zai" "jina" "voyage"
    "ollama" "llamacpp" "vllm" "lmstudio"
}

/// All presets; their order is the order of preference when several serve a model of one name.
pub fn presets() -> &'static [Preset] {
    static PRESETS: OnceLock<Vec<Preset>> = OnceLock::new();
    PRESETS.get_or_init(|| FILES.iter().filter_map(|(id, text)| parse(id, text).ok()).collect())
}

fn parse(id: &'static str, text: &str) -> Result<Preset, toml::de::Error> {
    toml::from_str(text).map(|preset: Preset| Preset { id, ..preset })
}

#[cfg(test)]
mod tests {
    use backstay_core::Timestamp;

    use super::*;

    #[test]
    fn every_catalogue_file_is_listed_and_valid() {
        let mut listed: Vec<_> = FILES.iter().map(|(id, _)| format!("{id}.toml")).collect();
        listed.sort();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        assert_eq!(listed, found);
        for (id, text) in FILES {
            let preset = parse(id, text).unwrap();
            let is_remote =
                preset.base_url.starts_with(['{', 'h']) && !preset.base_url.starts_with("http://");
            assert!(preset.local != is_remote, "{id}: {preset:?}");
            let has_key = match preset.auth() {
                AuthScheme::GoogleOauth => true,
                _ => !preset.key_env.is_empty(),
            };
            assert_ne!(preset.local, has_key, "{id} needs a key or is local");
            assert!(preset.docs.starts_with("https://"), "{id}: {}", preset.docs);
            let day =
                preset.checked.as_deref().map(|day| Timestamp::parse(&format!("{day}T00:00:00Z")));
            assert_ne!(day, Some(None), "{id}: checked is no day");
        }
        assert_eq!(presets().len(), FILES.len());
    }

    #[test]
    fn placeholders_are_filled_or_named() {
        let preset = Preset::named("cloudflare").unwrap();
        let (url, models) = preset.addresses(|_| Some("abc".to_owned())).unwrap();
        assert_eq!(url, "https://api.cloudflare.com/client/v4/accounts/abc/ai/v1");
        assert_eq!(models, ModelList::None);
        assert_eq!(preset.addresses(|_| None).unwrap_err(), "CLOUDFLARE_ACCOUNT_ID");
        let (url, models) = Preset::named("bedrock")
            .unwrap()
            .addresses(|name| (name == "region").then(|| "eu-west-1".to_owned()))
            .unwrap();
        assert_eq!(url, "https://bedrock-runtime.eu-west-1.amazonaws.com");
        let list = "https://bedrock.eu-west-1.amazonaws.com/foundation-models";
        assert_eq!(models, ModelList::At(list.to_owned()));
    }
}
