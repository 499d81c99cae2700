//! Where the calls of a deployment go: LiteLLM's names of providers as wire formats and base URLs.

use backstay_core::WireFormat;
use backstay_providers::presets;
use reqwest::Url;

/// One server that runs models, as Backstay's configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// What its id should be, if no other provider has it.
    pub(super) id: String,
    pub(super) format: WireFormat,
    pub(super) base_url: String,
    /// The variable that LiteLLM takes the key from when a deployment names none.
    pub(super) key_variable: Option<String>,
}

/// How a provider of LiteLLM's is reached.
enum Known {
    /// Backstay knows it under this id.
    Preset(&'static str),
    /// It speaks OpenAI's format at this URL; its key is in this variable.
    OpenAi(&'static str, &'static str),
    /// It speaks OpenAI's format wherever `api_base` says.
    OpenAiElsewhere,
    Azure,
}

/// The names before the slash in `litellm_params.model`
/// (<https://docs.litellm.ai/docs/providers>).
fn known(provider: &str) -> Option<Known> {
    Some(match provider {
        "openai" => Known::Preset("openai"),
        "anthropic" => Known::Preset("anthropic"),
        "gemini" => Known::Preset("gemini"),
        "openrouter" => Known::Preset("openrouter"),
        "groq" => Known::Preset("groq"),
        "mistral" => Known::Preset("mistral"),
        "deepseek" => Known::Preset("deepseek"),
        "together_ai" => Known::Preset("together"),
        "xai" => Known::Preset("xai"),
        "fireworks_ai" => Known::Preset("fireworks"),
        "cerebras" => Known::Preset("cerebras"),
        "perplexity" => Known::Preset("perplexity"),
        "ollama" | "ollama_chat" => Known::Preset("ollama"),
        "hosted_vllm" | "vllm" => Known::Preset("vllm"),
        "lm_studio" => Known::Preset("lmstudio"),
        "llamafile" => Known::Preset("llamacpp"),
        "deepinfra" => Known::OpenAi("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "dashscope" => Known::OpenAi(
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            "DASHSCOPE_API_KEY",
        ),
        "featherless_ai" => {
            Known::OpenAi("https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY")
        }
        "hyperbolic" => Known::OpenAi("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
        "lambda_ai" => Known::OpenAi("https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
        "moonshot" => Known::OpenAi("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "nebius" => Known::OpenAi("https://api.studio.nebius.ai/v1", "NEBIUS_API_KEY"),
        "novita" => Known::OpenAi("https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
        "nscale" => Known::OpenAi("https://inference.api.nscale.com/v1", "NSCALE_API_KEY"),
        "nvidia_nim" => Known::OpenAi("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
        "sambanova" => Known::OpenAi("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
        "vercel_ai_gateway" => {
            Known::OpenAi("https://ai-gateway.vercel.sh/v1", "VERCEL_AI_GATEWAY_API_KEY")
        }
        "zai" => Known::OpenAi("https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
        "aiohttp_openai" | "custom_openai" | "litellm_proxy" | "openai_like" => {
            Known::OpenAiElsewhere
        }
        "azure" => Known::Azure,
        _ => return None,
    })
}

/// Splits `provider/model`. Without a provider, the names that LiteLLM knows to be one company's
/// are that company's.
pub(super) fn split_model(model: &str, custom_provider: Option<&str>) -> Option<(String, String)> {
    if let Some(provider) = custom_provider {
        let own = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
        return Some((provider.to_owned(), own.unwrap_or(model).to_owned()));
    }
    if let Some((provider, own)) = model.split_once('/') {
        return Some((provider.to_owned(), own.to_owned()));
    }
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| model.starts_with(prefix));
    let provider = if begins(&["gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-"]) {
        "openai"
    } else if begins(&["claude-"]) {
        "anthropic"
    } else {
        return None;
    };
    Some((provider.to_owned(), model.to_owned()))
}

impl Upstream {
    /// The error says why a deployment of this provider cannot be carried over.
    pub(super) fn of(provider: &str, api_base: Option<&str>) -> Result<Self, String> {
        let Some(known) = known(provider) else {
            return Err(match api_base {
                Some(_) => format!(
                    "Backstay does not know the provider {provider}; if its api_base speaks \
                     OpenAI's format, write openai/ before the model instead"
                ),
                None => format!("Backstay does not reach the provider {provider}"),
            });
        };
        match known {
            Known::Preset(id) => Self::of_preset(id, provider, api_base),
            Known::OpenAi(base_url, variable) => {
                let moved = api_base.map(|base| openai_base(provider, base));
                let id = moved.as_deref().map_or_else(|| provider.replace('_', "-"), id_of_host);
                Ok(Self {
                    id,
                    format: WireFormat::OpenAi,
                    base_url: moved.unwrap_or_else(|| base_url.to_owned()),
                    key_variable: Some(variable.to_owned()),
                })
            }
            Known::OpenAiElsewhere => {
                let base = api_base.ok_or("it has no api_base")?;
                let base_url = openai_base(provider, base);
                Ok(Self {
                    id: id_of_host(&base_url),
                    format: WireFormat::OpenAi,
                    base_url,
                    key_variable: None,
                })
            }
            Known::Azure => {
                let base = api_base.ok_or("it has no api_base")?;
                let base_url = azure_base(base);
                Ok(Self {
                    id: id_of_host(&base_url),
                    format: WireFormat::OpenAi,
                    base_url,
                    key_variable: Some("AZURE_API_KEY".to_owned()),
                })
            }
        }
    }

    fn of_preset(id: &str, provider: &str, api_base: Option<&str>) -> Result<Self, String> {
        let preset = presets().iter().find(|preset| preset.id == id);
        let preset = preset.ok_or_else(|| format!("Backstay does not know the provider {id}"))?;
        let moved = api_base.map(|base| match preset.format {
            WireFormat::Anthropic => anthropic_base(base),
            _ => openai_base(provider, base),
        });
        let moved = moved.filter(|base| *base != preset.base_url);
        // A key of the provider's own must not go to another server by default.
        let key_variable = match moved {
            Some(_) => None,
            None => preset.key_env.first().cloned(),
        };
        Ok(Self {
            id: moved.as_deref().map_or_else(|| preset.id.to_owned(), id_of_host),
            format: preset.format,
            base_url: moved.unwrap_or_else(|| preset.base_url.clone()),
            key_variable,
        })
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

/// Azure's v1 API, which takes OpenAI's format as it is and needs no api-version
/// (<https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>).
fn azure_base(api_base: &str) -> String {
    let resource = api_base.split("/openai").next().unwrap_or(api_base);
    format!("{}/openai/v1", resource.trim_end_matches('/'))
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

    fn base_and_id(provider: &str, api_base: Option<&str>) -> (String, String) {
        let upstream = Upstream::of(provider, api_base).unwrap();
        (upstream.base_url, upstream.id)
    }

    #[test]
    fn a_url_becomes_what_backstay_appends_its_paths_to() {
        for (provider, api_base, base_url, id) in [
            ("openai", "https://api.openai.com/v1/", "https://api.openai.com/v1", "openai"),
            ("openai", "http://gpu-1:8000/v1", "http://gpu-1:8000/v1", "gpu-1-8000"),
            ("ollama", "http://10.0.0.2:11434", "http://10.0.0.2:11434/v1", "10.0.0.2-11434"),
            ("anthropic", "https://a.test/v1/messages", "https://a.test", "a.test"),
            (
                "azure",
                "https://eu.openai.azure.com/",
                "https://eu.openai.azure.com/openai/v1",
                "eu.openai.azure.com",
            ),
            ("openai_like", "http://[::1]:80/v1", "http://[::1]:80/v1", "--1"),
        ] {
            let (found_url, found_id) = base_and_id(provider, Some(api_base));
            assert_eq!(found_url, base_url, "{provider} {api_base}");
            if provider != "openai_like" {
                assert_eq!(found_id, id, "{provider} {api_base}");
            }
        }
    }

    #[test]
    fn a_name_without_provider_is_the_one_companys_that_has_such_names() {
        let split = |model| split_model(model, None).map(|(provider, _)| provider);
        assert_eq!(split("gpt-4o").as_deref(), Some("openai"));
        assert_eq!(split("claude-sonnet-4-5").as_deref(), Some("anthropic"));
        assert_eq!(split("llama-3").as_deref(), None);
        assert_eq!(
            split_model("meta/llama-3", Some("hosted_vllm")),
            Some(("hosted_vllm".to_owned(), "meta/llama-3".to_owned()))
        );
    }

    #[test]
    fn a_moved_provider_does_not_get_the_key_of_the_original() {
        let moved = Upstream::of("openai", Some("https://other.test/v1")).unwrap();
        assert_eq!(moved.key_variable, None);
        let original = Upstream::of("openai", None).unwrap();
        assert_eq!(original.key_variable.as_deref(), Some("OPENAI_API_KEY"));
    }
}
