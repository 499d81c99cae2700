//! Vertex AI: Gemini and Claude with tokens of a service account.

use backstay_core::{ErrorCode, Secret, WireFormat};
use backstay_providers::{Credential, GoogleTokens, Platform, Preset, ProviderSpec};
use backstay_wire::{EmbeddingInput, EmbeddingRequest, VectorEncoding};
use serde_json::Map;

use crate::support::{Upstream, check_chat, provider, user};

const PLACE: &str = "/v1/projects/p/locations/l/publishers";

fn vertex(upstream: &Upstream, format: WireFormat, tokens: GoogleTokens) -> ProviderSpec {
    let (path, preset) = match format {
        WireFormat::Anthropic => (format!("{PLACE}/anthropic"), "vertex-anthropic"),
        _ => (format!("{PLACE}/google"), "vertex"),
    };
    ProviderSpec {
        platform: Platform::Vertex,
        parameters: Preset::named(preset).unwrap().parameters.clone(),
        ..upstream.spec(format, &path, Credential::Google(tokens))
    }
}

fn account(upstream: &Upstream) -> GoogleTokens {
    GoogleTokens::from_credentials(&upstream.sim.service_account()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_and_claude_are_answered_streamed_and_whole() {
    let upstream = Upstream::start().await;
    for format in [WireFormat::Gemini, WireFormat::Anthropic] {
        check_chat(&upstream, &provider(vertex(&upstream, format, account(&upstream)))).await;
    }
    // Many calls, two accounts: one token each, and another after the first was refused.
    assert_eq!(upstream.requests("/token").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_used_until_shortly_before_it_expires() {
    let upstream = Upstream::start().await;
    let vertex = provider(vertex(&upstream, WireFormat::Gemini, account(&upstream)));
    let ask = || async { upstream.ask(&vertex, "sim-echo", &user("hi")).await.unwrap() };
    let calls = futures::future::join_all((0..8).map(|_| ask())).await;
    assert_eq!((calls.len(), upstream.requests("/token").len()), (8, 1), "fetched once for all");
    upstream.clock.advance_ms(3_500_000);
    ask().await;
    assert_eq!(upstream.requests("/token").len(), 1);
    upstream.clock.advance_ms(60_000);
    ask().await;
    assert_eq!(upstream.requests("/token").len(), 2);
    let revoked = upstream.ask(&vertex, "sim-echo!401", &user("hi")).await;
    assert_eq!(revoked.unwrap_err().code(), ErrorCode::UpstreamAuthentication);
    ask().await;
    assert_eq!(upstream.requests("/token").len(), 3, "a refused token is not used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_of_vertex_are_refused_before_anything_is_sent() {
    let upstream = Upstream::start().await;
    let vertex = provider(vertex(&upstream, WireFormat::Gemini, account(&upstream)));
    let request = EmbeddingRequest {
        model: "m".to_owned(),
        input: EmbeddingInput::Texts(vec!["a".to_owned()]),
        dimensions: None,
        encoding: VectorEncoding::Float,
        fields: Map::new(),
    };
    let deadlines = upstream.upstreams.deadlines();
    let refused = upstream.upstreams.embed(&vertex, "m", &request, deadlines).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().parameter(), Some("model"));
    assert!(upstream.sim.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_token_is_used_as_it_is_and_a_bad_one_is_refused() {
    let upstream = Upstream::start().await;
    let with = |token: &str| {
        let tokens = GoogleTokens::ready(Secret::new(token).unwrap());
        provider(vertex(&upstream, WireFormat::Gemini, tokens))
    };
    assert!(upstream.ask(&with("ya29.mine"), "sim-echo", &user("hi")).await.is_ok());
    let error = upstream.ask(&with("stale-token"), "sim-echo", &user("hi")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamAuthentication);
    assert!(upstream.requests("/token").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_google_does_not_know_is_explained() {
    let upstream = Upstream::start().await;
    let file = upstream.sim.service_account().replace("sim@sim-project", "other@sim-project");
    let tokens = GoogleTokens::from_credentials(&file).unwrap();
    let vertex = provider(vertex(&upstream, WireFormat::Gemini, tokens));
    let error = upstream.ask(&vertex, "sim-echo", &user("hi")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamAuthentication);
    let message = error.message();
    assert!(
        message.contains("other@sim-project") && message.contains("invalid_grant"),
        "{message}"
    );
    assert!(!message.contains("PRIVATE"), "{message}");
}
