//! Azure OpenAI.

use backstay_core::{Secret, WireFormat};
use backstay_providers::{AuthScheme, Credential, Platform, ProviderSpec};
use backstay_wire::{EmbeddingInput, EmbeddingRequest, ParameterRules, VectorEncoding};
use serde_json::Map;

use crate::support::{Upstream, check_chat, provider, user};

fn azure(upstream: &Upstream, api_version: Option<&str>) -> ProviderSpec {
    let key = Credential::key(AuthScheme::ApiKey, Secret::new("azure-key"));
    ProviderSpec {
        platform: Platform::Azure { api_version: api_version.map(str::to_owned) },
        ..upstream.spec(WireFormat::OpenAi, "", key)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_and_the_newer_paths_are_called_alike() {
    let upstream = Upstream::start().await;
    check_chat(&upstream, &provider(azure(&upstream, Some("2024-10-21")))).await;
    check_chat(&upstream, &provider(azure(&upstream, None))).await;
    let dated = upstream.requests("/openai/deployments/");
    assert!(dated.iter().all(|request| request.path.contains("/chat/completions")));
    assert!(!dated.is_empty() && !upstream.requests("/openai/v1/chat/completions").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_and_the_newer_paths_embed() {
    let upstream = Upstream::start().await;
    let request = EmbeddingRequest {
        model: "sim-embed".to_owned(),
        input: EmbeddingInput::Texts(vec!["a cat".to_owned(), "a dog sat".to_owned()]),
        dimensions: Some(8),
        encoding: VectorEncoding::Float,
        fields: Map::new(),
    };
    for version in [Some("2024-10-21"), None] {
        let azure = provider(azure(&upstream, version));
        let deadlines = upstream.upstreams.deadlines();
        let call =
            upstream.upstreams.embed(&azure, "sim-embed", &request, deadlines).await.unwrap();
        assert_eq!(call.reply.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8]);
    }
    let paths: Vec<_> =
        upstream.requests("/openai/").into_iter().map(|request| request.path).collect();
    assert_eq!(
        paths,
        [
            "/openai/deployments/sim-embed/embeddings?api-version=2024-10-21",
            "/openai/v1/embeddings"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_own_names_are_used_and_what_it_refuses_is_reported() {
    let upstream = Upstream::start().await;
    let rules = r#"{"rename": {"max_tokens": "max_completion_tokens"}, "unsupported": ["seed"]}"#;
    let parameters: ParameterRules = serde_json::from_str(rules).unwrap();
    let azure = provider(ProviderSpec { parameters, ..azure(&upstream, None) });
    let mut request = user("one two three");
    request.parameters.max_tokens = Some(2);
    request.parameters.seed = Some(7);
    let deadlines = upstream.upstreams.deadlines();
    let call = upstream.upstreams.chat(&azure, "sim-echo", &request, deadlines).await.unwrap();
    assert_eq!(call.dropped, ["seed"]);
    let sent = upstream.requests("/openai/v1").remove(0).body;
    assert_eq!(sent["max_completion_tokens"], 2);
    assert!(sent.get("max_tokens").is_none() && sent.get("seed").is_none(), "{sent}");
}
