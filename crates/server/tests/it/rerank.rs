//! Reranking upstream, through the ledger.

use anyhow::Result;
use backstay_core::ErrorCode;
use backstay_testing::TestServer;
use backstay_wire::{RerankDocument, RerankRequest};
use serde_json::{Map, json};

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
        let order: Vec<usize> = reply.reply.results.iter().map(|result| result.index).collect();
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

#[tokio::test]
async fn clients_rank_documents_at_either_path() -> Result<()> {
    let server = TestServer::start().await?;
    let mut body = json!({"model": "cohere/ranker", "query": "peanuts Anna", "top_n": 1,
        "documents": ["the invoice is paid", {"text": "Anna likes peanuts"}]});
    for path in ["/v1/rerank", "/api/v1/rerank"] {
        let answer = server.member().post(path, &body).await?;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        let results = answer.body["results"].as_array().cloned().unwrap_or_default();
        assert_eq!((results.len(), &results[0]["index"]), (1, &json!(1)), "{answer:?}");
        assert_eq!(results[0]["document"]["text"], "Anna likes peanuts");
        let refused = server.stranger().post(path, &body).await?;
        assert_eq!(refused.status.as_u16(), 401);
    }
    body["documents"] = json!([]);
    let wrong = server.member().post("/v1/rerank", &body).await?;
    assert_eq!(wrong.body["error"]["param"], "documents", "{wrong:?}");
    server.stop().await
}
