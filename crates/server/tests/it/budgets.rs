//! Money is set aside before a call and settled after it: nobody spends more than they may.

use anyhow::Result;
use backstay_core::Money;
use backstay_testing::{Answer, TestClient, TestServer};
use futures::{StreamExt as _, future::join_all};
use reqwest::Method;
use serde_json::{Value, json};

/// What `openai/sim-echo` charges for a call of three words: three tokens in at $0.000001 and three
/// out at $0.000002.
const CALL_COSTS: i64 = 9_000_000;
const WORDS: &str = "one two three";

fn body(stream: bool) -> Value {
    json!({
        "model": "openai/sim-echo",
        "max_tokens": 3,
        "stream": stream,
        "messages": [{"role": "user", "content": WORDS}],
    })
}

pub(crate) async fn new_key(server: &TestServer, settings: Value) -> Result<(String, TestClient)> {
    let answer = server.member().post("/backstay/v1/keys", &settings).await?;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let text = answer.body["key"].as_str().unwrap_or_default();
    let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
    Ok((id, server.stranger().with_key(text)))
}

fn dollars(picodollars: i64) -> String {
    Money::from_picodollars(picodollars).to_string()
}

pub(crate) async fn budget_of(server: &TestServer, key: &str) -> Result<(i64, i64)> {
    let row = server.member().get(&format!("/backstay/v1/keys/{key}")).await?.body;
    let amount = |name: &str| {
        let text = row["budgets"][0][name].as_str().and_then(Money::parse_dollars);
        text.map_or(-1, Money::picodollars)
    };
    Ok((amount("spent"), amount("reserved")))
}

/// What the ledger says of all calls together, and how many are still open.
async fn ledger(server: &TestServer) -> Result<(i64, usize)> {
    let (mut sum, mut pending) = (0, 0);
    let mut cursor = String::new();
    loop {
        let path = format!("/backstay/v1/generations?limit=200{cursor}");
        let page = server.member().get(&path).await?.body;
        for row in page["data"].as_array().into_iter().flatten() {
            pending += usize::from(row["status"] == "pending");
            let cost = row["cost"].as_str().and_then(Money::parse_dollars);
            sum += cost.map_or(0, Money::picodollars);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((sum, pending)),
        }
    }
}

async fn settled_ledger(server: &TestServer) -> Result<i64> {
    loop {
        if let (sum, 0) = ledger(server).await? {
            return Ok(sum);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_at_once_on_a_budget_for_a_hundred_never_overspend() -> Result<()> {
    let server = TestServer::start().await?;
    let limit = 100 * CALL_COSTS;
    let budgets = json!([{"period": "day", "limit": dollars(limit)}]);
    let (id, client) = new_key(&server, json!({"name": "race", "budgets": budgets})).await?;
    let body = body(false);
    let answers = join_all((0..1_000).map(|_| client.post("/v1/chat/completions", &body))).await;
    let mut answered = 0;
    for answer in answers {
        match answer? {
            answer if answer.status.as_u16() == 200 => answered += 1,
            refused => assert_eq!(refused.body["error"]["code"], "budget_exceeded", "{refused:?}"),
        }
    }
    let called = server.sim.requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!(called, answered, "what was refused was never sent");
    let (spent, reserved) = budget_of(&server, &id).await?;
    assert_eq!((spent, reserved), (i64::try_from(answered)? * CALL_COSTS, 0));
    assert!(spent <= limit && answered > 0, "{answered} calls for ${}", dollars(spent));

    // One after the other they use up all that is left but less than a call's worst case.
    while client.post("/v1/chat/completions", &body).await?.status.as_u16() == 200 {}
    let (spent, _) = budget_of(&server, &id).await?;
    assert!(
        (97 * CALL_COSTS..=limit).contains(&spent),
        "${} of ${}",
        dollars(spent),
        dollars(limit)
    );
    assert_eq!(settled_ledger(&server).await?, spent);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_leave_half_way_are_charged_once_and_hold_nothing() -> Result<()> {
    let server = TestServer::start().await?;
    let limit = 60 * CALL_COSTS;
    let budgets = json!([{"period": "total", "limit": dollars(limit)}]);
    let (id, client) = new_key(&server, json!({"name": "leavers", "budgets": budgets})).await?;
    for _ in 0..5 {
        let calls = (0..60).map(|number| {
            let request =
                client.request(Method::POST, "/v1/chat/completions").json(&body(number % 2 == 0));
            async move {
                let Ok(response) = request.send().await else { return };
                // A third leave at once, a third after the first bytes.
                if number % 3 == 0 {
                    return;
                }
                let mut chunks = response.bytes_stream();
                while chunks.next().await.is_some() && number % 3 == 1 {}
            }
        });
        join_all(calls).await;
        let (spent, reserved) = budget_of(&server, &id).await?;
        assert!(spent + reserved <= limit, "{spent} and {reserved} of {limit}");
    }
    let sum = settled_ledger(&server).await?;
    assert_eq!(budget_of(&server, &id).await?, (sum, 0));
    assert!(sum > 0 && sum <= limit);
    server.stop().await
}

#[track_caller]
fn assert_exceeded(answer: &Answer, scope: &str, period: &str) {
    assert_eq!(answer.status.as_u16(), 402, "{answer:?}");
    let error = &answer.body["error"];
    assert_eq!(error["code"], "budget_exceeded", "{error}");
    let limit = &error["limit"];
    let hit = (limit["scope"].as_str(), limit["of"].as_str(), limit["per"].as_str());
    assert_eq!(hit, (Some(scope), Some("money"), Some(period)), "{error}");
}

#[tokio::test]
async fn a_used_up_budget_says_so_in_both_dialects_and_begins_anew_at_midnight() -> Result<()> {
    let server = TestServer::start().await?;
    let budgets = json!([{"period": "day", "limit": "0.00002"}]);
    let (_, client) = new_key(&server, json!({"name": "small", "budgets": budgets})).await?;
    let first = client.post("/v1/chat/completions", &body(false)).await?;
    assert_eq!(first.status.as_u16(), 200, "{first:?}");
    let refused = client.post("/v1/chat/completions", &body(false)).await?;
    assert_exceeded(&refused, "key", "day");
    assert_eq!(refused.body["error"]["type"], "insufficient_quota");
    let limit = &refused.body["error"]["limit"];
    assert_eq!((&limit["limit"], &limit["used"]), (&json!("0.00002"), &json!("0.000009")));
    assert_eq!(limit["resets_at"], "2026-03-02T00:00:00Z");
    assert!(!refused.headers.contains_key("retry-after"));
    let refused = client.post("/v1/messages", &body(false)).await?;
    assert_exceeded(&refused, "key", "day");
    assert_eq!(refused.body["error"]["type"], "billing_error");
    assert_eq!(client.chat("builtin/echo", "free", json!({})).await?.status.as_u16(), 200);

    server.clock.advance_ms(12 * 3_600_000);
    let tomorrow = client.post("/v1/chat/completions", &body(false)).await?;
    assert_eq!(tomorrow.status.as_u16(), 200, "{tomorrow:?}");
    server.stop().await
}

#[tokio::test]
async fn a_workspaces_budget_holds_for_every_key() -> Result<()> {
    let server = TestServer::start().await?;
    let spent = server.member().post("/v1/chat/completions", &body(false)).await?;
    assert_eq!(spent.status.as_u16(), 200);
    let budgets = json!({"budgets": [{"period": "month", "limit": "0.00003"}]});
    let set = server.member().put("/backstay/v1/budgets", &budgets).await?.body;
    assert_eq!(set["data"][0]["spent"], "0.000009", "what was spent before counts: {set}");
    let (_, client) = new_key(&server, json!({"name": "other"})).await?;
    assert_eq!(client.post("/v1/chat/completions", &body(false)).await?.status.as_u16(), 200);
    for client in [&client, &server.member()] {
        let refused = client.post("/v1/chat/completions", &body(false)).await?;
        assert_exceeded(&refused, "workspace", "month");
    }
    let lifted = server.member().put("/backstay/v1/budgets", &json!({"budgets": []})).await?;
    assert_eq!(lifted.body["data"], json!([]));
    assert_eq!(client.post("/v1/chat/completions", &body(false)).await?.status.as_u16(), 200);
    server.stop().await
}

#[tokio::test]
async fn a_model_of_unknown_price_is_refused_under_a_budget_unless_allowed() -> Result<()> {
    let server = TestServer::start().await?;
    let budgets = json!([{"period": "total", "limit": "1"}]);
    let (id, client) = new_key(&server, json!({"name": "careful", "budgets": budgets})).await?;
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let unpriced = json!({"model": "openai/sim-quote", "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}]});
        let refused = client.post(path, &unpriced).await?;
        assert_eq!(refused.status.as_u16(), 400);
        assert_eq!(refused.body["error"]["code"], "price_unknown", "{refused:?}");
        let message = refused.body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("openai/sim-quote") && message.contains("allow_unpriced"));
    }
    let path = format!("/backstay/v1/keys/{id}");
    server.member().patch(&path, &json!({"allow_unpriced": true})).await?;
    assert_eq!(client.chat("openai/sim-quote", "hi", json!({})).await?.status.as_u16(), 200);
    assert_eq!(budget_of(&server, &id).await?, (0, 0));
    server.stop().await
}

#[tokio::test]
async fn what_may_be_answered_at_most_is_reserved() -> Result<()> {
    let server =
        TestServer::builder().config("[budgets]\noutput_tokens_assumed = 100").start().await?;
    let budgets = json!([{"period": "total", "limit": "0.0002"}]);
    let (_, client) = new_key(&server, json!({"name": "k", "budgets": budgets})).await?;
    // A hundred tokens at $0.000002 leave nothing for the prompt.
    let mut body = body(false);
    body["max_tokens"] = Value::Null;
    assert_exceeded(&client.post("/v1/chat/completions", &body).await?, "key", "total");
    body["max_tokens"] = json!(50);
    assert_eq!(client.post("/v1/chat/completions", &body).await?.status.as_u16(), 200);
    body["n"] = json!(2);
    assert_exceeded(&client.post("/v1/chat/completions", &body).await?, "key", "total");
    server.stop().await
}

#[tokio::test]
async fn a_failed_call_gives_back_what_was_reserved_and_a_restart_keeps_the_books() -> Result<()> {
    let server = TestServer::start().await?;
    let budgets = json!([{"period": "week", "limit": "1"}]);
    let settings = json!({"name": "k", "budgets": budgets, "allow_unpriced": true});
    let (id, client) = new_key(&server, settings).await?;
    client.post("/v1/chat/completions", &body(false)).await?;
    let failed = client.chat("openai/sim-echo!429", WORDS, json!({})).await?;
    assert_eq!(failed.status.as_u16(), 429);
    assert_eq!(budget_of(&server, &id).await?, (CALL_COSTS, 0));
    let server = server.restart().await?;
    assert_eq!(budget_of(&server, &id).await?, (CALL_COSTS, 0));
    server.stop().await
}
