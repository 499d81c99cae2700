//! The same request with the same `Idempotency-Key` has one outcome.

use std::time::Duration;

use anyhow::{Result, ensure};
use backstay_testing::{
    Answer, TestClient, TestServer,
    sim::{Fault, Outcome, Script},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::budgets::new_key;

const PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/messages", "/api/v1/chat/completions"];

fn body(text: &str, stream: bool) -> Value {
    json!({"model": "openai/sim-echo", "max_tokens": 9, "stream": stream,
        "messages": [{"role": "user", "content": text}]})
}

fn client(server: &TestServer, key: &str) -> TestClient {
    server.member().with_header("idempotency-key", key)
}

fn called(server: &TestServer) -> usize {
    server.sim.requests().iter().filter(|record| record.method == "POST").count()
}

/// Every byte of the answer, and whether it is told to be a repetition.
async fn bytes(client: &TestClient, path: &str, body: &Value) -> Result<(Vec<u8>, bool)> {
    let response = client.request(Method::POST, path).json(body).send().await?;
    ensure!(response.status() == 200, "{response:?}");
    let replayed = response.headers().get("idempotency-replayed").is_some_and(|v| v == "true");
    Ok((response.bytes().await?.to_vec(), replayed))
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, hint: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let message = answer.body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(hint), "{answer:?}");
}

#[tokio::test]
async fn an_answer_is_repeated_byte_for_byte_and_charged_once() -> Result<()> {
    let server = TestServer::start().await?;
    for (number, path) in PATHS.into_iter().enumerate() {
        for stream in [false, true] {
            let client = client(&server, &format!("{number}-{stream}"));
            let before = called(&server);
            let (first, replayed) = bytes(&client, path, &body("one two", stream)).await?;
            assert!(!replayed && !first.is_empty());
            server.clock.advance_ms(60_000);
            for _ in 0..2 {
                let again = bytes(&client, path, &body("one two", stream)).await?;
                assert_eq!(again, (first.clone(), true), "{path} {stream}");
            }
            assert_eq!(called(&server), before + 1, "{path} {stream}");
        }
    }
    let rows = server.member().get("/backstay/v1/generations").await?.body;
    assert_eq!(rows["data"].as_array().map(Vec::len), Some(6));
    server.stop().await
}

#[tokio::test]
async fn another_request_with_the_key_is_422_in_every_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    for path in PATHS {
        let client = client(&server, path);
        bytes(&client, path, &body("one", false)).await?;
        let answer = client.post(path, &body("two", false)).await?;
        assert_error(&answer, 422, "said something else");
    }
    let answer = client(&server, PATHS[0]).post(PATHS[1], &body("one", false)).await?;
    assert_error(&answer, 422, "said something else");
    assert_eq!(answer.body["type"], "error");
    assert_eq!(answer.body["error"]["code"], "idempotency_mismatch");
    let extended = client(&server, PATHS[0]).with_header("x-backstay-user", "ann");
    let answer = extended.post(PATHS[0], &body("one", false)).await?;
    assert_error(&answer, 422, "said something else");
    server.stop().await
}

#[tokio::test]
async fn a_client_that_lost_its_answer_gets_it_by_asking_again() -> Result<()> {
    let server = TestServer::start().await?;
    for (path, stream) in [(PATHS[0], false), (PATHS[1], true), (PATHS[2], true)] {
        let client = client(&server, path);
        server.sim.script(Script::first("sim-echo", 1, Fault::SlowHeaders { delay_ms: 700 }))?;
        let (before, text) = (called(&server), body("one two three", stream));
        let request = client.request(Method::POST, path).json(&text).send();
        let lost = tokio::time::timeout(Duration::from_millis(300), request).await;
        assert!(lost.is_err(), "the client was to leave before the answer");
        let running = client.post(path, &text).await?;
        assert_error(&running, 409, "still being answered");
        assert_eq!(running.headers["retry-after"], "1");
        let answered = loop {
            let response = client.request(Method::POST, path).json(&text).send().await?;
            if response.status() != 409 {
                break response;
            }
        };
        assert_eq!(answered.headers()["idempotency-replayed"], "true");
        assert!(answered.text().await?.contains("three"));
        assert_eq!(called(&server), before + 1, "{path}");
    }
    let seen = server.sim.requests();
    assert!(seen.iter().all(|record| record.outcome != Outcome::ClientDisconnected));
    server.stop().await
}

#[tokio::test]
async fn what_another_try_may_mend_is_not_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let client = client(&server, "retry");
    server.sim.script(Script::first("sim-echo", 2, Fault::ServerError))?;
    let failed = client.post(PATHS[0], &body("one", false)).await?;
    assert_eq!(failed.status.as_u16(), 502, "{failed:?}");
    let (answer, replayed) = bytes(&client, PATHS[0], &body("one", false)).await?;
    assert!(!replayed && !answer.is_empty());
    // A request that cannot succeed is answered in the same way again.
    let wrong = json!({"model": "openai/sim-echo"});
    let client = self::client(&server, "wrong");
    for replayed in [false, true] {
        let answer = client.post(PATHS[0], &wrong).await?;
        assert_eq!(answer.status.as_u16(), 400);
        assert_eq!(answer.headers.contains_key("idempotency-replayed"), replayed);
    }
    server.stop().await
}

#[tokio::test]
async fn keys_of_callers_are_their_own_and_last_a_day_and_a_restart() -> Result<()> {
    let server = TestServer::start().await?;
    let (_, other) = new_key(&server, json!({"name": "other"})).await?;
    bytes(&client(&server, "k"), PATHS[0], &body("one", false)).await?;
    let other = other.with_header("idempotency-key", "k");
    let (_, replayed) = bytes(&other, PATHS[0], &body("two", false)).await?;
    assert!(!replayed);
    let server = server.restart().await?;
    let (_, replayed) = bytes(&client(&server, "k"), PATHS[0], &body("one", false)).await?;
    assert!(replayed);
    server.clock.advance_ms(24 * 3_600_000);
    let (_, replayed) = bytes(&client(&server, "k"), PATHS[0], &body("three", false)).await?;
    assert!(!replayed);
    let stranger = server.stranger().with_header("idempotency-key", "k");
    let refused = stranger.post(PATHS[0], &body("three", false)).await?;
    assert_eq!(refused.status.as_u16(), 401);
    server.stop().await
}

#[tokio::test]
async fn changes_through_the_native_api_happen_once() -> Result<()> {
    let server = TestServer::start().await?;
    let client = client(&server, "set");
    let budgets = json!({"budgets": [{"period": "day", "limit": "3"}]});
    let first = client.put("/backstay/v1/budgets", &budgets).await?;
    server.member().put("/backstay/v1/budgets", &json!({"budgets": []})).await?;
    let again = client.put("/backstay/v1/budgets", &budgets).await?;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let now = server.member().get("/backstay/v1/budgets").await?.body;
    assert_eq!(now["data"], json!([]), "it was not set a second time");
    let read = client.get("/backstay/v1/keys").await?;
    assert!(!read.headers.contains_key("idempotency-replayed"), "reading needs no key");
    server.stop().await
}

#[tokio::test]
async fn a_new_api_key_is_made_once_and_not_kept() -> Result<()> {
    let server = TestServer::start().await?;
    for (number, path) in ["/backstay/v1/keys", "/api/v1/keys"].into_iter().enumerate() {
        let client = client(&server, path);
        let first = client.post(path, &json!({"name": "app"})).await?;
        assert_eq!(
            (first.status.as_u16(), first.headers["idempotency-stored"].to_str()?),
            (201, "false")
        );
        let again = client.post(path, &json!({"name": "app"})).await?;
        assert_error(&again, 409, "held an API key");
        let keys = server.member().get("/backstay/v1/keys").await?.body;
        assert_eq!(keys["data"].as_array().map(Vec::len), Some(2 + number), "{keys}");
    }
    server.stop().await
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_said_not_to_be_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let text = "word ".repeat(250_000);
    let large = json!({"model": "builtin/echo", "messages": [{"role": "user", "content": text}]});
    let client = client(&server, "large");
    let first = client.post(PATHS[0], &large).await?;
    assert_eq!(first.status.as_u16(), 200);
    assert_eq!(first.headers["idempotency-stored"], "false");
    let again = client.post(PATHS[0], &large).await?;
    assert_error(&again, 409, "larger than");
    assert_eq!(again.body["error"]["code"], "idempotency_not_stored");
    let long = self::client(&server, &"k".repeat(256));
    assert_error(&long.post(PATHS[0], &body("one", false)).await?, 400, "1 to 255");
    server.stop().await
}
