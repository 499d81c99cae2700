//! Where the calls of a deployment go, in the words of Backstay's configuration.

use backstay_core::WireFormat;
use backstay_providers::Preset;
use reqwest::Url;

use super::known::{Known, known};

/// One server or service that runs models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// What its id should be, if no other provider has it.
    pub(super) id: String,
    pub(super) place: Location,
    /// The variable that LiteLLM takes the key from when a deployment names none.
    pub(super) key_variable: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// A provider of Backstay's catalogue, where the catalogue says.
    Catalogue(&'static str),
    Server {
        format: WireFormat,
        base_url: String,
    },
    Azure {
        resource: String,
        api_version: Option<String>,
    },
    Bedrock {
        region: String,
    },
    /// Google's own models, or Anthropic's there.
    Vertex {
        project: String,
        location: String,
        credentials: Option<String>,
        is_claude: bool,
    },
}

/// What a deployment says about where it is, beside its provider.
#[derive(Default)]
pub(super) struct Address {
    pub(super) api_base: Option<String>,
    pub(super) api_version: Option<String>,
    pub(super) region: Option<String>,
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    /// A file.
    pub(super) credentials: Option<String>,
}

impl Upstream {
    /// The upstream and the name of the model there. The error says why a deployment of this
    /// provider cannot be carried over.
    pub(super) fn of(
        provider: &str,
        model: &str,
        address: Address,
    ) -> Result<(Self, String), String> {
        let Some(known) = known(provider) else {
            return Err(match address.api_base {
                Some(_) => format!(
                    "Backstay does not know the provider {provider}; if its api_base speaks \
                     OpenAI's format, write openai/ before the model instead"
                ),
                None => format!("Backstay does not reach the provider {provider}"),
            });
        };
        let api_base = address.api_base.as_deref();
        let upstream = match known {
            Known::Preset(id) => Self::of_preset(id, None, provider, api_base)?,
            Known::PresetWithKey(id, key) => Self::of_preset(id, Some(key), provider, api_base)?,
            Known::OpenAi(base_url, variable) => match api_base {
                Some(base) => Self::server(WireFormat::OpenAi, openai_base(provider, base)),
                None => Self {
                    id: provider.replace('_', "-"),
                    key_variable: Some(variable.to_owned()),
                    ..Self::server(WireFormat::OpenAi, base_url.to_owned())
                },
            },
            Known::OpenAiElsewhere => {
                let base = api_base.ok_or("it has no api_base")?;
                Self::server(WireFormat::OpenAi, openai_base(provider, base))
            }
            Known::Azure => Self::azure(api_base, address.api_version)?,
            Known::Bedrock => return Self::bedrock(model, address.region),
            Known::Vertex => Self::vertex(model, address)?,
        };
        Ok((upstream, model.to_owned()))
    }

    fn of_preset(
        id: &'static str,
        key: Option<&str>,
        provider: &str,
        api_base: Option<&str>,
    ) -> Result<Self, String> {
        let preset = Preset::named(id);
        let preset = preset.ok_or_else(|| format!("Backstay does not know the provider {id}"))?;
        let moved = api_base.map(|base| match preset.format {
            WireFormat::Anthropic => anthropic_base(base),
            _ => openai_base(provider, base),
        });
        // A key of the provider's own must not go to another server by default.
        match moved.filter(|base| *base != preset.base_url) {
            Some(base_url) => Ok(Self::server(preset.format, base_url)),
            None => Ok(Self {
                id: id.to_owned(),
                place: Location::Catalogue(id),
                key_variable: key.map(str::to_owned).or_else(|| preset.key_env.first().cloned()),
            }),
        }
    }

    fn server(format: WireFormat, base_url: String) -> Self {
        let id = id_of_host(&base_url);
        Self { id, place: Location::Server { format, base_url }, key_variable: None }
    }

    fn azure(api_base: Option<&str>, api_version: Option<String>) -> Result<Self, String> {
        let base = api_base.ok_or("it has no api_base")?;
        let resource = base.split("/openai").next().unwrap_or(base);
        let resource = resource.trim_end_matches('/').to_owned();
        Ok(Self {
            id: id_of_host(&resource),
            place: Location::Azure { resource, api_version },
            key_variable: Some("AZURE_API_KEY".to_owned()),
        })
    }

    fn bedrock(model: &str, region: Option<String>) -> Result<(Self, String), String> {
        let region = region.ok_or("it has no aws_region_name")?;
        // How LiteLLM asks for one of Bedrock's two APIs; Backstay speaks Converse.
        let own = ["converse/", "invoke/"].iter().find_map(|route| model.strip_prefix(route));
        let id = "bedrock".to_owned();
        let upstream = Self { id, place: Location::Bedrock { region }, key_variable: None };
        Ok((upstream, own.unwrap_or(model).to_owned()))
    }

    fn vertex(model: &str, address: Address) -> Result<Self, String> {
        let is_claude = model.starts_with("claude");
        if !is_claude && !model.starts_with("gemini") {
            return Err("of Vertex AI, Backstay reaches Gemini and Claude".to_owned());
        }
        Ok(Self {
            id: if is_claude { "vertex-anthropic" } else { "vertex" }.to_owned(),
            place: Location::Vertex {
                project: address.project.ok_or("it has no vertex_project")?,
                // LiteLLM's default.
                location: address.location.unwrap_or_else(|| "us-central1".to_owned()),
                credentials: address.credentials,
                is_claude,
            },
            key_variable: None,
        })
    }

    /// The format and URL of a server whose address stands in the file.
    pub(super) fn server_address(&self) -> Option<(WireFormat, &str)> {
        match &self.place {
            Location::Server { format, base_url } => Some((*format, base_url)),
            Location::Azure { resource, .. } => Some((WireFormat::OpenAi, resource)),
            Location::Catalogue(_) | Location::Bedrock { .. } | Location::Vertex { .. } => None,
        }
    }
}

fn openai_base(provider: &str, api_base: &str) -> String {
    let base = api_base.trim_end_matches('/');
    let base = base.strip_suffix("/chat/completions").unwrap_or(base);
    // LiteLLM speaks Ollama's own format there; Backstay speaks OpenAI's, which is under /v1.
    let own_format = provider.starts_with("ollama") && !base.ends_with("/v1");
    if own_format { format!("{base}/v1") } else { base.to_owned() }
}

fn anthropic_base(api_base: &str) -> String {
    let base = api_base.trim_end_matches('/');
    let base = base.strip_suffix("/messages").unwrap_or(base);
    base.strip_suffix("/v1").unwrap_or(base).to_owned()
}

/// An id made of a URL's host and, when it is given, port.
fn id_of_host(base_url: &str) -> String {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("upstream");
    let port = url.as_ref().and_then(Url::port).map(|port| format!("-{port}")).unwrap_or_default();
    let id: String = host
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect();
    format!("{}{port}", id.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: &str, api_base: Option<&str>) -> Upstream {
        let address = Address { api_base: api_base.map(str::to_owned), ..Address::default() };
        Upstream::of(provider, "a-model", address).unwrap().0
    }

    #[test]
    fn a_url_becomes_what_backstay_appends_its_paths_to() {
        for (provider, api_base, base_url, id) in [
            ("openai", "http://gpu-1:8000/v1", "http://gpu-1:8000/v1", "gpu-1-8000"),
            ("openai", "https://a.test/v1/chat/completions", "https://a.test/v1", "a.test"),
            ("ollama", "http://10.0.0.2:11434", "http://10.0.0.2:11434/v1", "10.0.0.2-11434"),
            ("anthropic", "https://a.test/v1/messages", "https://a.test", "a.test"),
            (
                "azure",
                "https://eu.openai.azure.com/openai/deployments/x",
                "https://eu.openai.azure.com",
                "eu.openai.azure.com",
            ),
        ] {
            let upstream = of(provider, Some(api_base));
            assert_eq!(upstream.server_address().unwrap().1, base_url, "{provider} {api_base}");
            assert_eq!(upstream.id, id, "{provider} {api_base}");
        }
    }

    #[test]
    fn a_moved_provider_does_not_get_the_key_of_the_original() {
        assert_eq!(of("openai", Some("https://other.test/v1")).key_variable, None);
        let original = of("openai", Some("https://api.openai.com/v1/"));
        assert_eq!(original.place, Location::Catalogue("openai"));
        assert_eq!(original.key_variable.as_deref(), Some("OPENAI_API_KEY"));
    }
}
