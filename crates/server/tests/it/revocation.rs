//! A key that is taken back stops working everywhere within a second, also for what is under way.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use backstay_testing::{
    TestClient, TestServer,
    sim::{Outcome, RequestRecord},
};
use futures::StreamExt as _;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::budgets::new_key;

const CHAT: &str = "/v1/chat/completions";
const DIALECTS: [&str; 2] = [CHAT, "/v1/messages"];
const PROMISED: Duration = Duration::from_secs(1);
/// For a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// An answer of which two words have come, and no more will.
struct OpenAnswer {
    response: Response,
}

fn stalling(stream: bool) -> Value {
    json!({
        "model": "openai/sim-echo!stall-after-2",
        "stream": stream,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "one two three four five six"}],
    })
}

impl OpenAnswer {
    async fn begin(client: &TestClient, path: &str) -> Result<Self> {
        let request = client.request(Method::POST, path).json(&stalling(true));
        let mut response = request.send().await?;
        let mut seen = String::new();
        while !seen.contains("two") {
            let chunk = timeout(DEADLINE, response.chunk()).await??;
            let chunk = chunk.with_context(|| format!("ended early: {seen}"))?;
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        Ok(Self { response })
    }

    /// What comes until it ends, and how long that takes.
    async fn end(self) -> Result<(String, Duration)> {
        let begun = Instant::now();
        let mut chunks = self.response.bytes_stream();
        let mut rest = String::new();
        while let Some(chunk) = timeout(DEADLINE, chunks.next()).await? {
            rest.push_str(&String::from_utf8_lossy(&chunk?));
        }
        Ok((rest, begun.elapsed()))
    }

    async fn ends_with(self, code: &str) -> Result<()> {
        let (rest, after) = self.end().await?;
        let events = rest.lines().filter_map(|line| line.strip_prefix("data: "));
        let errors: Vec<Value> = events
            .filter_map(|data| serde_json::from_str::<Value>(data).ok())
            .map(|event| event["error"].clone())
            .filter(|error| !error.is_null())
            .collect();
        ensure!(errors.len() == 1 && errors[0]["code"] == code, "not {code}: {rest}");
        ensure!(after < PROMISED, "ended after {after:?}");
        Ok(())
    }
}

fn key_path(id: &str) -> String {
    format!("/backstay/v1/keys/{id}")
}

async fn newest_two(server: &TestServer) -> Result<[Value; 2]> {
    let rows = server.member().get("/backstay/v1/generations?limit=2").await?.body;
    Ok([rows["data"][0].clone(), rows["data"][1].clone()])
}

fn cancelled(seen: &[RequestRecord]) -> bool {
    seen.iter().any(|record| record.outcome == Outcome::ClientDisconnected)
}

#[tokio::test]
async fn an_open_answer_ends_when_its_key_is_disabled() -> Result<()> {
    for path in DIALECTS {
        let server = TestServer::start().await?;
        let (id, client) = new_key(&server, json!({"name": "service"})).await?;
        let other = OpenAnswer::begin(&server.member(), path).await?;
        // The ledger lists by time.
        server.clock.advance_ms(1);
        let open = OpenAnswer::begin(&client, path).await?;
        server.member().patch(&key_path(&id), &json!({"disabled": true})).await?;
        open.ends_with("disabled_api_key").await?;
        server.sim.wait_for(DEADLINE, cancelled).await?;
        let [row, others] = newest_two(&server).await?;
        assert_eq!((&row["status"], &row["key"]), (&json!("failed"), &json!(id)), "{row}");
        assert_eq!(row["error_code"], "disabled_api_key", "{row}");
        assert_eq!(row["usage"]["completion_tokens"], 2, "what came is charged: {row}");
        assert_eq!(row["usage"]["estimated"], true, "{row}");
        // Neither the other caller nor the endpoint has to do with it.
        assert_eq!(others["status"], "pending", "{others}");
        drop(other);
        let answer = server.member().chat("openai/sim-echo", "hello", json!({})).await?;
        assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
        server.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn deleting_expiring_and_rotating_a_key_away_end_its_answers_too() -> Result<()> {
    let server = TestServer::start().await?;
    let (id, client) = new_key(&server, json!({"name": "deleted"})).await?;
    let open = OpenAnswer::begin(&client, CHAT).await?;
    server.member().delete(&key_path(&id)).await?;
    open.ends_with("invalid_api_key").await?;

    let expiring = json!({"name": "guest", "expires_at": "2026-03-01T13:00:00Z"});
    let (_, client) = new_key(&server, expiring).await?;
    let open = OpenAnswer::begin(&client, CHAT).await?;
    server.clock.advance_ms(3_600_000);
    open.ends_with("expired_api_key").await?;

    let (id, old) = new_key(&server, json!({"name": "rotated"})).await?;
    let path = format!("{}/rotate", key_path(&id));
    let rotated = server.member().post(&path, &json!({"grace_seconds": 60})).await?.body;
    let new = server.stranger().with_key(rotated["key"].as_str().unwrap_or_default());
    let (with_old, with_new) =
        (OpenAnswer::begin(&old, CHAT).await?, OpenAnswer::begin(&new, CHAT).await?);
    server.clock.advance_ms(60_000);
    with_old.ends_with("expired_api_key").await?;
    server.member().delete(&key_path(&id)).await?;
    with_new.ends_with("invalid_api_key").await?;
    server.stop().await
}

#[tokio::test]
async fn an_answer_that_was_to_come_whole_ends_with_its_key() -> Result<()> {
    let server = TestServer::start().await?;
    let (id, client) = new_key(&server, json!({"name": "service"})).await?;
    let asking = tokio::spawn(async move { client.post(CHAT, &stalling(false)).await });
    let answering = |record: &RequestRecord| record.method == "POST" && record.status == Some(200);
    server.sim.wait_for(DEADLINE, |seen| seen.iter().any(answering)).await?;
    server.member().patch(&key_path(&id), &json!({"disabled": true})).await?;
    let answer = timeout(PROMISED, asking).await???;
    assert_eq!(answer.status.as_u16(), 401, "{answer:?}");
    assert_eq!(answer.body["error"]["code"], "disabled_api_key", "{answer:?}");
    server.sim.wait_for(DEADLINE, cancelled).await?;
    let [row, _] = newest_two(&server).await?;
    assert_eq!(row["error_code"], "disabled_api_key", "{row}");
    server.stop().await
}

/// The servers' clock stands still, so that neither forgets a key by itself.
#[tokio::test]
async fn a_change_of_a_key_is_known_to_the_other_servers() -> Result<()> {
    let one = TestServer::builder().shared().start().await?;
    let two = one.another().await?;
    let (id, client) = new_key(&one, json!({"name": "service"})).await?;
    let at_two = two.stranger().with_key(&client_key(&client)?);
    for path in DIALECTS {
        one.member().patch(&key_path(&id), &json!({"disabled": false})).await?;
        until(&at_two, 200).await?;
        let open = OpenAnswer::begin(&at_two, path).await?;
        one.member().patch(&key_path(&id), &json!({"disabled": true})).await?;
        open.ends_with("disabled_api_key").await?;
        until(&at_two, 401).await?;
    }
    two.stop().await?;
    one.stop().await
}

/// Nobody tells of what is done while triggers are off.
#[tokio::test]
async fn an_answer_ends_with_its_key_although_nothing_was_heard_of_it() -> Result<()> {
    let server = TestServer::builder().shared().start().await?;
    let (id, client) = new_key(&server, json!({"name": "service"})).await?;
    let open = OpenAnswer::begin(&client, CHAT).await?;
    let database = server.database().context("no database")?.client().await?;
    database.batch_execute("SET session_replication_role = replica").await?;
    database.execute("UPDATE api_keys SET disabled_at = 1 WHERE id = $1", &[&id]).await?;
    open.ends_with("disabled_api_key").await?;
    server.stop().await
}

async fn until(client: &TestClient, status: u16) -> Result<()> {
    timeout(DEADLINE, async {
        while client.get("/v1/models").await?.status.as_u16() != status {}
        Ok(())
    })
    .await?
}

fn client_key(client: &TestClient) -> Result<String> {
    let request = client.request(Method::GET, "/").build()?;
    let header = request.headers()["authorization"].to_str()?;
    Ok(header.trim_start_matches("Bearer ").to_owned())
}
