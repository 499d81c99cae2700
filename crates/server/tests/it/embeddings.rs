//! `/v1/embeddings` upstream, in both encodings.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::json;

#[tokio::test]
async fn embeddings_come_from_upstream_as_floats_or_base64() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in ["openai", "gemini", "cohere"] {
        let body = json!({"model": format!("{provider}/sim-embed"), "input": ["one", "two"]});
        let answer = server.member().post("/v1/embeddings", &body).await?;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.body["data"].as_array().map(Vec::len), Some(2), "{answer:?}");
        assert!(answer.body["data"][0]["embedding"][0].is_number(), "{provider}");
        let mut encoded = body.clone();
        encoded["encoding_format"] = json!("base64");
        let answer = server.member().post("/v1/embeddings", &encoded).await?;
        assert!(answer.body["data"][1]["embedding"].is_string(), "{provider}: {answer:?}");
    }
    let rows = server.member().get("/backstay/v1/generations").await?.body;
    assert_eq!(rows["data"].as_array().map(Vec::len), Some(6), "each is in the ledger: {rows}");
    server.stop().await
}

#[tokio::test]
async fn without_weights_the_builtin_embedding_model_says_how_to_get_them() -> Result<()> {
    let server = TestServer::start().await?;
    let body = json!({"model": "builtin/all-minilm-l6-v2", "input": "hello"});
    let answer = server.member().post("/v1/embeddings", &body).await?;
    assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("models pull"));
    server.stop().await
}
