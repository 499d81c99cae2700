//! Where each call goes: what a format, and the platform that serves it, put behind a base URL.

use backstay_core::WireFormat;
use serde::Deserialize;

use crate::{percent::encode, provider::HttpProvider};

/// Who stands between us and a format's own paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platform {
    /// Nobody.
    #[default]
    Direct,
    /// Azure OpenAI. With a version of its interface each deployment has a path of its own; without
    /// one the paths are OpenAI's, and the model's name is the deployment's.
    Azure { api_version: Option<String> },
    /// Vertex AI: models are resources of their publisher.
    Vertex,
}

/// The platforms that a catalogue file can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlatformName {
    #[default]
    Direct,
    Azure,
    Vertex,
}

impl HttpProvider {
    /// `model` may be a client's word, so it stays one segment of the path.
    pub(crate) fn chat_url(&self, model: &str, stream: bool) -> String {
        match (self.format, stream) {
            (WireFormat::OpenAi, _) => self.openai_url(model, "chat/completions"),
            (WireFormat::Anthropic, false) if self.platform == Platform::Vertex => {
                self.url(&format!("/models/{}:rawPredict", encode(model, "@")))
            }
            (WireFormat::Anthropic, true) if self.platform == Platform::Vertex => {
                self.url(&format!("/models/{}:streamRawPredict", encode(model, "@")))
            }
            (WireFormat::Anthropic, _) => self.url("/v1/messages"),
            (WireFormat::Gemini, false) => self.gemini_url(model, "generateContent"),
            (WireFormat::Gemini, true) => self.gemini_url(model, "streamGenerateContent?alt=sse"),
            (WireFormat::Cohere, _) => self.url("/v2/chat"),
            (WireFormat::Bedrock, false) => {
                self.url(&format!("/model/{}/converse", encode(model, "")))
            }
            (WireFormat::Bedrock, true) => {
                self.url(&format!("/model/{}/converse-stream", encode(model, "")))
            }
        }
    }

    /// `None` where the format has no embeddings. Those of Vertex AI have a format of their own.
    pub(crate) fn embeddings_url(&self, model: &str) -> Option<String> {
        match self.format {
            WireFormat::Gemini if self.platform == Platform::Vertex => None,
            WireFormat::OpenAi => Some(self.openai_url(model, "embeddings")),
            WireFormat::Gemini => Some(self.gemini_url(model, "batchEmbedContents")),
            WireFormat::Cohere => Some(self.url("/v2/embed")),
            WireFormat::Anthropic | WireFormat::Bedrock => None,
        }
    }

    /// `None` where the format has no reranking.
    pub(crate) fn rerank_url(&self) -> Option<String> {
        match self.format {
            WireFormat::OpenAi => Some(self.url("/rerank")),
            WireFormat::Cohere => Some(self.url("/v2/rerank")),
            WireFormat::Anthropic | WireFormat::Gemini | WireFormat::Bedrock => None,
        }
    }

    /// `None` where the format has no counting.
    pub(crate) fn count_tokens_url(&self) -> Option<String> {
        let is_direct = self.platform == Platform::Direct;
        (self.format == WireFormat::Anthropic && is_direct)
            .then(|| self.url("/v1/messages/count_tokens"))
    }

    /// `None` where the list says nothing of what can be called: Azure lists models, while calls name
    /// deployments.
    pub(crate) fn models_url(&self, is_aggregator: bool) -> Option<String> {
        match &self.models {
            ModelList::At(url) => return Some(url.clone()),
            ModelList::None => return None,
            ModelList::Standard => {}
        }
        match (self.format, &self.platform) {
            (_, Platform::Azure { .. } | Platform::Vertex) => None,
            _ if is_aggregator => Some(self.url("/models?output_modalities=all")),
            (WireFormat::OpenAi, _) => Some(self.url("/models")),
            (WireFormat::Anthropic, _) => Some(self.url("/v1/models?limit=1000")),
            (WireFormat::Gemini, _) => Some(self.url("/models?pageSize=1000")),
            (WireFormat::Cohere, _) => Some(self.url("/v1/models?page_size=1000&endpoint=chat")),
            (WireFormat::Bedrock, _) => None,
        }
    }

    /// Where an aggregator lists the endpoints of a model, `author/slug`.
    pub(crate) fn endpoints_url(&self, model: &str) -> String {
        self.url(&format!("/models/{}/endpoints", encode(model, "/:")))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn openai_url(&self, model: &str, call: &str) -> String {
        match &self.platform {
            Platform::Azure { api_version: Some(version) } => self.url(&format!(
                "/openai/deployments/{}/{call}?api-version={}",
                encode(model, ""),
                encode(version, "")
            )),
            Platform::Azure { api_version: None } => self.url(&format!("/openai/v1/{call}")),
            Platform::Direct | Platform::Vertex => self.url(&format!("/{call}")),
        }
    }

    fn gemini_url(&self, model: &str, call: &str) -> String {
        let model = model.strip_prefix("models/").unwrap_or(model);
        self.url(&format!("/models/{}:{call}", encode(model, "")))
    }
}

/// Where a provider lists its models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelList {
    /// Where its format has the list.
    #[default]
    Standard,
    At(String),
    /// Nowhere, or not as calls name them.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credential, Provider, ProviderKind, ProviderSpec};

    fn http(format: WireFormat, base_url: &str, platform: Platform) -> HttpProvider {
        let spec = ProviderSpec {
            platform,
            ..ProviderSpec::new("acme", format, base_url, Credential::None)
        };
        match Provider::new(spec).unwrap().kind {
            ProviderKind::Http(http) => *http,
            ProviderKind::Builtin | ProviderKind::WebSearch => panic!("not built in"),
        }
    }

    #[test]
    fn azure_has_a_path_for_each_deployment_or_openais_paths() {
        let base = "https://acme.openai.azure.com";
        let dated = Platform::Azure { api_version: Some("2024-10-21".to_owned()) };
        let provider = http(WireFormat::OpenAi, base, dated);
        assert_eq!(
            provider.chat_url("my gpt", true),
            format!("{base}/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21")
        );
        assert!(provider.embeddings_url("e").unwrap().contains("/deployments/e/embeddings?"));
        assert_eq!(provider.models_url(false), None);
        let undated = http(WireFormat::OpenAi, base, Platform::Azure { api_version: None });
        assert_eq!(undated.chat_url("m", false), format!("{base}/openai/v1/chat/completions"));
    }

    #[test]
    fn a_model_name_cannot_leave_its_segment() {
        for (format, platform) in [
            (WireFormat::Gemini, Platform::Direct),
            (WireFormat::Bedrock, Platform::Direct),
            (WireFormat::Anthropic, Platform::Vertex),
        ] {
            let url = http(format, "https://acme.test", platform).chat_url("../../keys?x=", false);
            assert!(url.contains("..%2F..%2Fkeys%3Fx%3D"), "{url}");
        }
    }

    #[test]
    fn claude_on_vertex_is_called_by_resource() {
        let base = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l";
        let provider = http(WireFormat::Anthropic, base, Platform::Vertex);
        assert_eq!(
            provider.chat_url("claude-sonnet-4-5@20250929", true),
            format!("{base}/models/claude-sonnet-4-5@20250929:streamRawPredict")
        );
        assert_eq!(provider.count_tokens_url(), None);
    }
}
