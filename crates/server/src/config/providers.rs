//! `[[providers]]`: where models run.

use backstay_core::{DataPolicy, Error, Result, WireFormat};
use backstay_providers::{
    AuthScheme, Credential, Environment, ModelList, Platform, PlatformName, Preset, Provider,
    ProviderSpec, azure_resource, vertex_host,
};
use backstay_routing::ConfiguredModel;
use backstay_wire::ParameterRules;
use serde::Deserialize;

use super::provider_credentials::{AwsSection, GoogleSection, secret};

/// A provider by wire format and base URL, or one of the catalogue. Holds keys in clear text while it
/// is read, so its `Debug` is written by hand.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderSection {
    pub(crate) id: String,
    #[serde(default)]
    name: Option<String>,
    /// A provider of the catalogue (`groq`, `azure`, …), which says whatever this section does not.
    #[serde(default)]
    preset: Option<String>,
    #[serde(default)]
    format: Option<WireFormat>,
    #[serde(default)]
    base_url: Option<String>,
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
    data: Option<DataPolicy>,
    /// The header in which the key is shown, if not that of the format.
    #[serde(default)]
    auth: Option<AuthScheme>,
    #[serde(default)]
    azure: Option<AzureSection>,
    #[serde(default)]
    aws: Option<AwsSection>,
    #[serde(default)]
    google: Option<GoogleSection>,
    /// Where its fields differ from those of its format.
    #[serde(default)]
    parameters: Option<ParameterRules>,
    #[serde(default)]
    pub(crate) models: Vec<ConfiguredModel>,
}

/// The provider is a resource of Azure OpenAI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AzureSection {
    /// With it each deployment has a path of its own; without it OpenAI's paths are used.
    #[serde(default)]
    api_version: Option<String>,
}

impl std::fmt::Debug for ProviderSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderSection")
            .field("id", &self.id)
            .field("preset", &self.preset)
            .field("format", &self.format)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl ProviderSection {
    pub(crate) fn provider(&self, environment: &Environment) -> Result<Provider> {
        let preset = self.preset()?;
        let format = self.format.or(preset.map(|preset| preset.format)).ok_or_else(|| {
            self.invalid("set format, or preset to the name of a provider in the catalogue")
        })?;
        let credential = self.credential(preset, format, environment)?;
        let (base_url, models) = self.addresses(preset, environment)?;
        let parameters = self.parameters.clone();
        let parameters = parameters.or_else(|| preset.map(|preset| preset.parameters.clone()));
        let data = self.data.clone().or_else(|| preset.map(|preset| preset.data.clone()));
        let name = self.name.clone().or_else(|| preset.map(|preset| preset.name.clone()));
        Provider::new(ProviderSpec {
            name: name.unwrap_or_else(|| self.id.clone()),
            platform: self.platform(preset),
            parameters: parameters.unwrap_or_default(),
            models,
            data: data.unwrap_or_default(),
            is_aggregator: self.aggregator || preset.is_some_and(|preset| preset.aggregator),
            ..ProviderSpec::new(&self.id, format, &base_url, credential)
        })
    }

    /// The preset that is named, or the one that a platform's section stands for.
    fn preset(&self) -> Result<Option<&'static Preset>> {
        let name = match (&self.preset, self.format) {
            (Some(name), _) => name.as_str(),
            (None, Some(WireFormat::Bedrock)) => "bedrock",
            (None, Some(WireFormat::Gemini)) if self.google.is_some() => "vertex",
            (None, Some(WireFormat::Anthropic)) if self.google.is_some() => "vertex-anthropic",
            (None, Some(WireFormat::OpenAi)) if self.azure.is_some() => "azure",
            (None, _) => return Ok(None),
        };
        let preset = Preset::named(name).ok_or_else(|| {
            let known: Vec<&str> =
                backstay_providers::presets().iter().map(|preset| preset.id).collect();
            self.invalid(format!("there is no preset {name:?}; there are {}", known.join(", ")))
        })?;
        if self.format.is_some_and(|format| format != preset.format) {
            return Err(self.invalid(format!(
                "preset {name:?} speaks {}; leave format out",
                preset.format.as_str()
            )));
        }
        Ok(Some(preset))
    }

    fn credential(
        &self,
        preset: Option<&Preset>,
        format: WireFormat,
        environment: &Environment,
    ) -> Result<Credential> {
        let section = format!("provider {}", self.id);
        let key = secret(&section, "api_key", &self.api_key, &self.api_key_env, environment)?;
        let given = [key.is_some(), self.aws.is_some(), self.google.is_some()];
        // Bedrock's bearer token goes with a region.
        let is_bearer_of_region =
            key.is_some() && self.aws.as_ref().is_some_and(|aws| aws.has_only_region());
        if given.into_iter().filter(|given| *given).count() > 1 && !is_bearer_of_region {
            return Err(self.invalid("set only one of api_key, aws and google"));
        }
        let auth = self.auth.or(preset.map(Preset::auth)).unwrap_or(AuthScheme::of(format));
        match (&self.aws, &self.google) {
            (Some(aws), _) if key.is_none() => aws.credential(&self.id, environment),
            (_, Some(google)) => google.credential(&self.id, environment),
            _ => {
                let known = || preset.and_then(|preset| preset.key(environment));
                Ok(Credential::key(auth, key.or_else(known)))
            }
        }
    }

    fn platform(&self, preset: Option<&Preset>) -> Platform {
        let name = preset.map(|preset| preset.platform).unwrap_or_default();
        match (&self.azure, name) {
            (Some(azure), _) => Platform::Azure { api_version: azure.api_version.clone() },
            (None, PlatformName::Azure) => Platform::Azure { api_version: None },
            (None, PlatformName::Vertex) => Platform::Vertex,
            (None, PlatformName::Direct) => Platform::Direct,
        }
    }

    /// A base URL of one's own has its model list where the format does.
    fn addresses(
        &self,
        preset: Option<&Preset>,
        environment: &Environment,
    ) -> Result<(String, ModelList)> {
        if let Some(base_url) = &self.base_url {
            let is_azure = matches!(self.platform(preset), Platform::Azure { .. });
            let base_url = if is_azure { azure_resource(base_url) } else { base_url.clone() };
            let lists = preset.is_none_or(|preset| preset.lists_models);
            return Ok((base_url, if lists { ModelList::Standard } else { ModelList::None }));
        }
        let preset = preset.ok_or_else(|| self.invalid("base_url is required"))?;
        let google = self.google.as_ref();
        let found = preset.addresses(|name| match name {
            "region" => self.aws.as_ref().map(|aws| aws.region.clone()),
            "project" => google.map(|google| google.project.clone()),
            "location" => google.map(|google| google.location.clone()),
            "host" => google.map(|google| vertex_host(&google.location)),
            variable => environment.get(variable).map(str::to_owned),
        });
        found.map_err(|missing| {
            let place = match missing.as_str() {
                "region" => "aws = { region = \"…\" }".to_owned(),
                "project" | "location" | "host" => {
                    "google = { project = \"…\", location = \"…\" }".to_owned()
                }
                variable => format!("base_url, or {variable} in the environment"),
            };
            self.invalid(format!("preset {:?} needs {place}", preset.id))
        })
    }

    fn invalid(&self, what: impl std::fmt::Display) -> Error {
        Error::invalid(format!("provider {}: {what}", self.id))
    }
}
