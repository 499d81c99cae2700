//! Why a memory is recalled, and why another is not.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

fn item_with<'a>(explained: &'a Value, words: &str) -> &'a Value {
    let mut items = explained["items"].as_array().into_iter().flatten();
    let found = items.find(|item| item["text"].as_str().is_some_and(|text| text.contains(words)));
    found.unwrap_or_else(|| panic!("nothing with {words:?} in {explained}"))
}

#[tokio::test]
async fn each_memory_says_what_was_added_up_and_what_became_of_it() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", "The heron nests in April.", json!({})).await?;
    client.chat("openai/sim-echo", "My bicycle is green.", json!({})).await?;
    let listed = client.get("/backstay/v1/memories").await?.body;
    let of_bicycle = listed["data"].as_array().unwrap().iter();
    let of_bicycle = of_bicycle.filter(|m| m["text"].as_str().unwrap().contains("bicycle"));
    let bicycle = of_bicycle.map(|m| m["id"].clone()).next().unwrap();
    let unknown = "ep_00000000000000000000000000";
    let body = json!({"query": "When does the heron nest?", "ids": [bicycle, unknown]});
    let explained = client.post("/backstay/v1/memories/explain", &body).await?.body;
    assert_eq!(explained["relevant"], true, "{explained}");
    let heron = item_with(&explained, "heron");
    assert_eq!(heron["outcome"], "recalled");
    assert_eq!(explained["items"][0]["rank"], 1);
    let parts = heron["parts"].as_array().unwrap();
    assert!(
        parts
            .iter()
            .any(|part| part["feature"] == "own_words" && part["adds"].as_f64() > Some(0.0))
    );
    let reasons: Vec<(&str, &str)> = explained["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|missing| (missing["id"].as_str().unwrap(), missing["reason"].as_str().unwrap()))
        .collect();
    assert!(reasons.contains(&(unknown, "unknown")), "{explained}");
    assert!(reasons.contains(&(bicycle.as_str().unwrap(), "no_evidence")), "{explained}");
    server.stop().await
}

#[tokio::test]
async fn a_question_about_nothing_explains_that_nothing_is_recalled() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", "The heron nests in April.", json!({})).await?;
    let body = json!({"query": "Which heron configures nginx websockets proxy buffering limits?"});
    let explained = client.post("/backstay/v1/memories/explain", &body).await?.body;
    assert_eq!(explained["relevant"], false, "{explained}");
    let outcomes: Vec<&Value> =
        explained["items"].as_array().unwrap().iter().map(|item| &item["outcome"]).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == "nothing_relevant"));
    server.stop().await
}

#[tokio::test]
async fn limits_are_named_with_their_parameter() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    for (parameter, value) in
        [("limit", json!(0)), ("budget_tokens", json!(0)), ("ids", json!(vec!["ep_1"; 101]))]
    {
        let body = json!({"query": "x", parameter: value});
        let answer = client.post("/backstay/v1/memories/explain", &body).await?;
        assert_eq!(answer.status.as_u16(), 400);
        assert_eq!(answer.body["error"]["param"], parameter, "{}", answer.body);
    }
    server.stop().await
}
