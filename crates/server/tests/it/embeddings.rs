//! `/v1/embeddings` upstream, in both encodings.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

/// Each is a request of its own, so that the server has time between them.
const POLLS_MAX: usize = 20_000;

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

#[tokio::test]
async fn what_memory_has_embedded_upstream_is_on_the_ledger() -> Result<()> {
    let server = TestServer::builder().embedding("openai/sim-embed").start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", "The heron nests in April.", json!({"thread": "new"})).await?;
    for _ in 0..POLLS_MAX {
        if client.get("/backstay/v1/status").await?.body["embedding"]["pending"] == 0 {
            break;
        }
    }
    let paid = async || -> Result<Vec<Value>> {
        let rows = client.get("/backstay/v1/generations").await?.body["data"].clone();
        let rows = rows.as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().filter(|row| row["key"] == "key_embedding").collect())
    };
    let of_turns = paid().await?;
    assert!(!of_turns.is_empty(), "the turns' vectors");
    for row in &of_turns {
        assert_eq!((&row["status"], &row["provider"]), (&json!("completed"), &json!("openai")));
        assert_eq!(row["requested_model"], "openai/sim-embed");
        assert!(row["usage"]["prompt_tokens"].as_u64() > Some(0), "{row}");
    }
    let search = json!({"query": "When do herons nest?"});
    let found = client.post("/backstay/v1/memories/search", &search).await?.body;
    assert!(found["data"].as_array().is_some_and(|found| !found.is_empty()), "{found}");
    assert_eq!(paid().await?.len(), of_turns.len() + 1, "the question's vector");
    server.stop().await
}
