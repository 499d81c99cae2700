//! What is not remembered at all, and what is not remembered for long.

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::json;

const FACT: &str = "My daughter Zuzana started playing the bassoon in March.";
const QUESTION: &str = "Which instrument does Zuzana play?";

#[tokio::test]
async fn an_incognito_thread_keeps_its_history_and_leaves_no_memory() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    client.chat("openai/sim-echo", FACT, json!({"user": "known"})).await?;
    let said = json!({"user": "u", "thread": "incognito"});
    let thread = client.chat("openai/sim-echo", FACT, said).await?.thread();
    let path = format!("/backstay/v1/threads/{thread}");
    assert_eq!(client.get(&path).await?.body["incognito"], true);
    let next = client.chat("openai/sim-quote", QUESTION, json!({"thread": thread})).await?;
    assert!(next.recalled().is_empty(), "{next:?}");
    assert!(next.text().contains("bassoon"), "its own history is there: {}", next.text());
    let messages = client.get(&format!("{path}/messages")).await?.body;
    assert_eq!(messages["data"].as_array().map(Vec::len), Some(4));
    let listed = client.get("/backstay/v1/memories?user=u").await?.body;
    assert_eq!(listed["data"], json!([]));
    let elsewhere = client.chat("builtin/recall", QUESTION, json!({"user": "u"})).await?;
    assert!(elsewhere.recalled().is_empty(), "{elsewhere:?}");
    let wrong = client.chat("openai/sim-echo", "x", json!({"thread": "secret"})).await?;
    assert_eq!(wrong.status.as_u16(), 400);
    server.stop().await
}

#[tokio::test]
async fn a_policy_is_set_shown_and_taken_back() -> Result<()> {
    let server = TestServer::start().await?;
    let client = server.member();
    let path = "/backstay/v1/memories/policy";
    let kept = client.get(&format!("{path}?user=u")).await?.body;
    assert_eq!(kept["episode_ttl_seconds"], json!(null));
    let policy = json!({"episode_ttl_seconds": 3_600, "learn": false});
    client.put(path, &policy).await?;
    let of_user = client.get(&format!("{path}?user=u")).await?.body;
    assert_eq!(
        (&of_user["episode_ttl_seconds"], &of_user["learn"]),
        (&json!(3_600), &json!(false))
    );
    client.put(&format!("{path}?user=u"), &json!({"half_life_days": 30})).await?;
    let of_user = client.get(&format!("{path}?user=u")).await?.body;
    assert_eq!(
        (&of_user["episode_ttl_seconds"], &of_user["half_life_days"]),
        (&json!(null), &json!(30))
    );
    assert_eq!(client.delete(&format!("{path}?user=u")).await?.body["cleared"], true);
    assert_eq!(client.delete(&format!("{path}?user=u")).await?.body["cleared"], false);
    for wrong in [json!({"episode_ttl_seconds": 0}), json!({"ttl": 1})] {
        assert_eq!(client.put(path, &wrong).await?.status.as_u16(), 400);
    }
    server.stop().await
}
