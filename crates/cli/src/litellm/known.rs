//! LiteLLM's names of providers, and who they are in Backstay's catalogue.

/// How a provider of LiteLLM's is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Backstay's catalogue has it under this id; LiteLLM takes its key from the variable that the
    /// catalogue names first.
    Preset(&'static str),
    /// As above, but LiteLLM takes its key from this variable.
    PresetWithKey(&'static str, &'static str),
    /// It speaks OpenAI's format at this URL; its key is in this variable.
    OpenAi(&'static str, &'static str),
    /// It speaks OpenAI's format wherever `api_base` says.
    OpenAiElsewhere,
    Azure,
    Bedrock,
    Vertex,
}

/// The names before the slash in `litellm_params.model`
/// (<https://docs.litellm.ai/docs/providers>).
pub(super) fn known(provider: &str) -> Option<Known> {
    use Known::{OpenAi, Preset, PresetWithKey};
    Some(match provider {
        "openai" => Preset("openai"),
        "anthropic" => Preset("anthropic"),
        "gemini" => Preset("gemini"),
        "openrouter" => Preset("openrouter"),
        "groq" => Preset("groq"),
        "mistral" => Preset("mistral"),
        "deepseek" => Preset("deepseek"),
        "together_ai" => Preset("together"),
        "xai" => Preset("xai"),
        "fireworks_ai" => Preset("fireworks"),
        "cerebras" => Preset("cerebras"),
        "perplexity" => Preset("perplexity"),
        "deepinfra" => Preset("deepinfra"),
        "moonshot" => Preset("moonshot"),
        "nebius" => Preset("nebius"),
        "novita" => Preset("novita"),
        "sambanova" => Preset("sambanova"),
        "zai" => Preset("zai"),
        "voyage" => Preset("voyage"),
        "cohere" | "cohere_chat" => PresetWithKey("cohere", "COHERE_API_KEY"),
        "nvidia_nim" => PresetWithKey("nvidia", "NVIDIA_NIM_API_KEY"),
        "jina_ai" => PresetWithKey("jina", "JINA_AI_API_KEY"),
        "github" => PresetWithKey("github", "GITHUB_API_KEY"),
        "ollama" | "ollama_chat" => Preset("ollama"),
        "hosted_vllm" | "vllm" => Preset("vllm"),
        "lm_studio" => Preset("lmstudio"),
        "llamafile" => Preset("llamacpp"),
        "dashscope" => {
            OpenAi("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY")
        }
        "featherless_ai" => OpenAi("https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY"),
        "hyperbolic" => OpenAi("https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
        "lambda_ai" => OpenAi("https://api.lambda.ai/v1", "LAMBDA_API_KEY"),
        "nscale" => OpenAi("https://inference.api.nscale.com/v1", "NSCALE_API_KEY"),
        "vercel_ai_gateway" => {
            OpenAi("https://ai-gateway.vercel.sh/v1", "VERCEL_AI_GATEWAY_API_KEY")
        }
        "aiohttp_openai" | "custom_openai" | "litellm_proxy" | "openai_like" => {
            Known::OpenAiElsewhere
        }
        "azure" => Known::Azure,
        "bedrock" | "bedrock_converse" => Known::Bedrock,
        "vertex_ai" | "vertex_ai_beta" => Known::Vertex,
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

#[cfg(test)]
mod tests {
    use backstay_providers::Preset;

    use super::*;

    #[test]
    fn every_preset_is_one_of_the_catalogue() {
        for provider in ["cohere", "nvidia_nim", "jina_ai", "github", "ollama", "llamafile", "zai"]
        {
            let (Some(Known::Preset(id)) | Some(Known::PresetWithKey(id, _))) = known(provider)
            else {
                panic!("{provider} is no preset");
            };
            assert!(Preset::named(id).is_some(), "{provider}");
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
}
