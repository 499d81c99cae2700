//! Cohere, and rerankers of its kind.

use backstay_core::{ErrorCode, Secret, WireFormat, chat::Part, chat::Reasoning};
use backstay_providers::{AuthScheme, Credential};
use backstay_wire::{
    EmbeddingInput, EmbeddingRequest, RerankDocument, RerankRequest, VectorEncoding,
};
use serde_json::Map;

use crate::support::{Upstream, check_chat, provider, user};

fn key() -> Credential {
    Credential::key(AuthScheme::Bearer, Secret::new("cohere-key"))
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_is_answered_streamed_and_whole() {
    let upstream = Upstream::start().await;
    check_chat(&upstream, &provider(upstream.spec(WireFormat::Cohere, "", key()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_is_shown_until_it_is_switched_off() {
    let upstream = Upstream::start().await;
    let cohere = provider(upstream.spec(WireFormat::Cohere, "", key()));
    for stream in [false, true] {
        let mut request = user("hello");
        request.stream = stream;
        let reply = upstream.ask(&cohere, "sim-think", &request).await.unwrap();
        assert!(matches!(&reply.choices[0].message.parts[0], Part::Reasoning { .. }));
        request.reasoning = Some(Reasoning { enabled: Some(false), ..Reasoning::default() });
        let reply = upstream.ask(&cohere, "sim-think", &request).await.unwrap();
        assert!(matches!(&reply.choices[0].message.parts[0], Part::Text { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_embedded_and_models_listed() {
    let upstream = Upstream::start().await;
    let cohere = provider(upstream.spec(WireFormat::Cohere, "", key()));
    let request = EmbeddingRequest {
        model: "sim-embed".to_owned(),
        input: EmbeddingInput::Texts(vec!["a cat".to_owned(), "a dog sat".to_owned()]),
        dimensions: Some(8),
        encoding: VectorEncoding::Float,
        fields: Map::new(),
    };
    let deadlines = upstream.upstreams.deadlines();
    let call = upstream.upstreams.embed(&cohere, "sim-embed", &request, deadlines).await.unwrap();
    assert_eq!(call.reply.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8]);
    assert_eq!(call.reply.prompt_tokens, Some(5));
    let listed = upstream.upstreams.list_models(&cohere).await.unwrap();
    assert!(listed.iter().any(|model| model.id == "sim-think"));
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_ranked_by_cohere_and_behind_openai_compatible_addresses() {
    let upstream = Upstream::start().await;
    let request = RerankRequest {
        model: "rerank-v4".to_owned(),
        query: "peanuts Anna".to_owned(),
        documents: ["the invoice is paid", "Anna likes peanuts"]
            .map(|text| RerankDocument::Text(text.to_owned()))
            .to_vec(),
        top_n: Some(1),
        fields: Map::new(),
    };
    for (format, path) in [(WireFormat::Cohere, ""), (WireFormat::OpenAi, "/v1")] {
        let provider = provider(upstream.spec(format, path, key()));
        let deadlines = upstream.upstreams.deadlines();
        let call = upstream.upstreams.rerank(&provider, "rerank-v4", &request, deadlines).await;
        let reply = call.unwrap().reply;
        assert_eq!((reply.results.len(), reply.results[0].index), (1, 1));
        match format {
            WireFormat::Cohere => assert_eq!(reply.search_units, Some(1)),
            _ => assert_eq!(reply.total_tokens, Some(9)),
        }
        let deadlines = upstream.upstreams.deadlines();
        let failed = upstream.upstreams.rerank(&provider, "rerank-v4!503", &request, deadlines);
        let error = failed.await.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UpstreamOverloaded);
    }
    let gemini = provider(upstream.spec(WireFormat::Gemini, "/v1beta", key()));
    let deadlines = upstream.upstreams.deadlines();
    let refused = upstream.upstreams.rerank(&gemini, "m", &request, deadlines).await;
    assert_eq!(refused.map(|_| ()).unwrap_err().code(), ErrorCode::InvalidRequest);
}
