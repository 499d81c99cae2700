//! Reranking upstream, through the ledger.

use anyhow::Result;
use backstay_core::ErrorCode;
use backstay_testing::TestServer;
use backstay_wire::{RerankDocument, RerankRequest};
use serde_json::Map;

fn request(model: &str) -> RerankRequest {
    RerankRequest {
        model: model.to_owned(),
        query: "peanuts Anna".to_owned(),
        documents: ["the invoice is paid", "Anna likes peanuts"]
            .map(|text| RerankDocument::Text(text.to_owned()))
            .to_vec(),
        top_n: None,
        fields: Map::new(),
    }
}

#[tokio::test]
async fn a_ranking_is_in_the_ledger_and_so_is_its_failure() -> Result<()> {
    let server = TestServer::start().await?;
    let context = server.context().await?;
    for provider in ["cohere", "openai"] {
        // Of one moment, no row would be newer than another.
        server.clock.advance_ms(1);
        let reply =
            server.engine().rerank(&context, request(&format!("{provider}/ranker"))).await?;
        let order: Vec<usize> = reply.results.iter().map(|result| result.index).collect();
        assert_eq!(order, [1, 0], "{provider}");
    }
    server.clock.advance_ms(1);
    let refused = server.engine().rerank(&context, request("cohere/ranker!429")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::UpstreamRateLimited);
    let rows = server.member().get("/backstay/v1/generations").await?.body;
    let rows = rows["data"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<_> = rows.iter().filter_map(|row| row["status"].as_str()).collect();
    assert_eq!(statuses, ["failed", "completed", "completed"], "newest first: {rows:?}");
    assert_eq!(rows[1]["usage"]["prompt_tokens"], 9, "tokens that the server counted: {rows:?}");
    assert_eq!(rows[2]["usage"]["estimated"], false, "searches were counted: {rows:?}");
    let nobody = server.engine().rerank(&context, request("anthropic/ranker")).await.unwrap_err();
    assert_eq!(nobody.parameter(), Some("model"));
    server.stop().await
}
