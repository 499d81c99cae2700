//! A model that learns: what it found is recalled, paid for and capped; what it cannot prove is not.

use std::time::Duration;

use anyhow::{Result, bail};
use backstay_testing::{
    TestClient, TestServer,
    sim::{RequestRecord, Script},
};
use serde_json::{Value, json};

const FACT: &str = "My daughter Zuzana started playing the bassoon in March.";

/// Each is a request of its own, so that the server has time between them.
const POLLS_MAX: usize = 20_000;
/// A call to learn waits for a poll of the learner at most, and for the one before it.
const NOTICED: Duration = Duration::from_secs(20);

async fn learning(settings: &str) -> Result<TestServer> {
    let section = format!("[memory.learning]\nidle_seconds = 0\n{settings}");
    TestServer::builder().config(&section).start().await
}

/// Statements, once the server says that it has learned everything.
async fn learned(client: &TestClient, user: &str) -> Result<Vec<Value>> {
    for _ in 0..POLLS_MAX {
        let status = client.get("/backstay/v1/status").await?.body;
        if status["learning"]["pending"] == 0 {
            let path = format!("/backstay/v1/memories/statements?user={user}");
            let listed = client.get(&path).await?.body;
            return Ok(listed["data"].as_array().cloned().unwrap_or_default());
        }
    }
    bail!("learning did not end: {}", client.get("/backstay/v1/status").await?.body)
}

#[tokio::test]
async fn what_a_model_found_is_kept_with_its_proof_and_recalled() -> Result<()> {
    let server = learning("model = \"openai/sim-learn\"").await?;
    let client = server.member();
    client.chat("openai/sim-echo", FACT, json!({"user": "u", "thread": "new"})).await?;
    let statements = learned(&client, "u").await?;
    let [statement] = statements.as_slice() else { bail!("{statements:?}") };
    assert_eq!((&statement["text"], &statement["version"]), (&json!(FACT), &json!(1)));
    assert_eq!(statement["source"], "learned");
    assert!(statement["learned_by"].as_str().is_some_and(|by| by.contains("sim-learn")));
    let episode = statement["sources"][0]["episode"].as_str().unwrap_or_default();
    let turn = client.get(&format!("/backstay/v1/memories/{episode}")).await?.body;
    assert_eq!((&turn["type"], &turn["text"]), (&json!("turn"), &json!(FACT)));

    let profile = client.get("/backstay/v1/memories/profile?user=u").await?.body;
    assert!(profile["text"].as_str().is_some_and(|text| text.contains("bassoon")), "{profile}");
    let other = client.get("/backstay/v1/memories/statements?user=another").await?.body;
    assert_eq!(other["data"], json!([]));

    let calls = client.get("/backstay/v1/generations").await?.body;
    let calls = calls["data"].as_array().cloned().unwrap_or_default();
    let paid = calls.iter().find(|call| call["requested_model"] == "openai/sim-learn");
    assert!(paid.is_some_and(|call| call["key"] == "key_learning"), "{calls:?}");

    let search = json!({"query": "Which instrument does Zuzana play?", "user": "u"});
    let found = client.post("/backstay/v1/memories/search", &search).await?.body;
    let id = &statement["id"];
    let found = found["data"].as_array().cloned().unwrap_or_default();
    assert!(found.iter().any(|item| item["id"] == *id), "{found:?}");
    server.stop().await
}

#[tokio::test]
async fn forgetting_a_turn_takes_what_was_learned_from_it_along() -> Result<()> {
    let server = learning("model = \"openai/sim-learn\"").await?;
    let client = server.member();
    client.chat("openai/sim-echo", FACT, json!({"user": "u", "thread": "new"})).await?;
    let statement = learned(&client, "u").await?.remove(0);
    let turn = &statement["sources"][0]["episode"];
    let body = json!({"ids": [turn], "preview": true});
    let preview = client.post("/backstay/v1/memories/forget", &body).await?.body;
    assert_eq!(
        (&preview["done"], &preview["statements"]),
        (&json!(false), &json!([statement["id"]]))
    );
    let done = client.post("/backstay/v1/memories/forget", &json!({"ids": [turn]})).await?.body;
    assert_eq!(
        (&done["done"], &done["forgotten"], &done["summaries"]),
        (&json!(true), &json!(2), &json!(1))
    );
    assert!(learned(&client, "u").await?.is_empty());
    let profile = client.get("/backstay/v1/memories/profile?user=u").await?.body;
    assert_eq!(profile, json!({"text": "", "from": []}));
    server.stop().await
}

#[tokio::test]
async fn a_model_that_answers_nonsense_leaves_the_turns_as_they_were_said() -> Result<()> {
    let server = learning("model = \"openai/sim-raw\"").await?;
    let nonsense = json!({
        "id": "1", "object": "chat.completion", "model": "sim-raw", "created": 1,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "I am afraid I cannot do that."},
            "finish_reason": "stop"
        }]
    });
    server.sim.script(Script::raw("sim-raw", vec![nonsense.to_string().into()]))?;
    let client = server.member();
    client.chat("anthropic/sim-echo", FACT, json!({"user": "u", "thread": "new"})).await?;
    assert!(learned(&client, "u").await?.is_empty());
    let calls = client.get("/backstay/v1/generations").await?.body;
    let asked = calls["data"].as_array().into_iter().flatten();
    let asked = asked.filter(|call| call["requested_model"] == "openai/sim-raw").count();
    assert_eq!(asked, 2, "asked, and asked once to mend it: {calls}");
    let listed = client.get("/backstay/v1/memories?user=u").await?.body;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2));
    server.stop().await
}

#[tokio::test]
async fn a_used_up_budget_puts_learning_off_until_tomorrow() -> Result<()> {
    let budget = "model = \"openai/sim-learn\"\ndaily_budget = \"0.0000001\"";
    let server = learning(budget).await?;
    let client = server.member();
    client.chat("openai/sim-echo", FACT, json!({"user": "u", "thread": "new"})).await?;
    let is_put_off = |calls: &Value| {
        let mut calls = calls["data"].as_array().into_iter().flatten();
        !calls.any(|call| call["requested_model"] == "openai/sim-learn")
    };
    let mut reason = Value::Null;
    for _ in 0..POLLS_MAX {
        reason = client.get("/backstay/v1/status").await?.body["learning"]["last_error"].clone();
        if !reason.is_null() {
            break;
        }
    }
    assert!(reason.as_str().is_some_and(|reason| reason.contains("daily_budget")), "{reason}");
    assert!(is_put_off(&client.get("/backstay/v1/generations").await?.body));
    server.stop().await
}

#[tokio::test]
async fn learning_that_fails_is_listed_with_its_reason_and_can_be_given_up() -> Result<()> {
    let server = learning("model = \"dead/none\"").await?;
    let client = server.member();
    client.chat("openai/sim-echo", FACT, json!({"user": "u", "thread": "new"})).await?;
    let mut job = Value::Null;
    for _ in 0..POLLS_MAX {
        job = client.get("/backstay/v1/jobs?state=ready").await?.body["data"][0].clone();
        if job["failures"] == 1 {
            break;
        }
    }
    assert_eq!((&job["kind"], &job["failures"]), (&json!("learn"), &json!(1)), "{job}");
    assert!(job["last_error"].as_str().is_some_and(|error| !error.is_empty()), "{job}");
    let path = format!("/backstay/v1/jobs/{}", job["id"].as_str().unwrap_or_default());
    let retry = client.post(&format!("{path}/retry"), &json!({})).await?;
    assert_eq!(retry.status.as_u16(), 404, "it is not dead, it waits");
    assert_eq!(client.delete(&path).await?.body["done"], true);
    assert_eq!(client.delete(&path).await?.status.as_u16(), 404);
    assert_eq!(client.get("/backstay/v1/jobs").await?.body["data"], json!([]));
    server.stop().await
}

#[tokio::test]
async fn under_a_cap_each_call_knows_what_those_before_it_cost() -> Result<()> {
    let section = "[memory.learning]\nidle_seconds = 60\ndaily_token_limit = 1000000\n\
                   model = \"openai/sim-learn!first-byte-200\"";
    let server = TestServer::builder().config(section).start().await?;
    let client = server.member();
    for user in ["u", "v"] {
        client.chat("openai/sim-echo", FACT, json!({"user": user, "thread": "new"})).await?;
    }
    // Both threads fall due at once; a turn of another wakes whoever learns.
    server.clock.advance_ms(61_000);
    client.chat("openai/sim-echo", FACT, json!({"user": "w", "thread": "new"})).await?;
    let of_learning = |seen: &[RequestRecord]| -> Vec<(u64, u64)> {
        let calls = seen.iter().filter(|seen| seen.body["model"] == "sim-learn!first-byte-200");
        calls.filter_map(|call| Some((call.started_ms, call.finished_ms?))).collect()
    };
    server.sim.wait_for(NOTICED, |seen| of_learning(seen).len() == 2).await?;
    let mut calls = of_learning(&server.sim.requests());
    calls.sort_unstable();
    assert!(calls[0].1 <= calls[1].0, "one after the other: {calls:?}");
    server.stop().await
}
