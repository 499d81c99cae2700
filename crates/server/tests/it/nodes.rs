//! Servers that share a database: what they show of each other, and that they agree.

use anyhow::Result;
use backstay_core::{Clock, CorrectedClock, ManualClock, Timestamp};
use backstay_testing::{Answer, TestClient, TestServer};
use serde_json::json;

/// Far more looks at the status than vectors of a few turns take.
const POLLS_MAX: usize = 10_000;

#[tokio::test]
async fn each_server_shows_all_of_them_and_which_it_is() -> Result<()> {
    let one = TestServer::builder().shared().start().await?;
    let two = one.another().await?;
    let mut these = Vec::new();
    for server in [&one, &two] {
        let database =
            server.member().get("/backstay/v1/status").await?.body["store"]["database"].clone();
        let nodes = database["nodes"].as_array().cloned().unwrap_or_default();
        assert_eq!(nodes.len(), 2, "{database}");
        assert!(nodes.iter().all(|node| node["alive"] == true), "{database}");
        assert!(nodes.iter().all(|node| node["last_seen"].as_str() >= node["since"].as_str()));
        these
            .extend(nodes.into_iter().filter(|node| node["this"] == true).map(|n| n["id"].clone()));
    }
    assert_eq!(these.len(), 2);
    assert_ne!(these[0], these[1]);
    two.stop().await?;
    let status = one.member().get("/backstay/v1/status").await?.body;
    assert_eq!(status["store"]["database"]["nodes"].as_array().map(Vec::len), Some(1), "{status}");
    one.stop().await
}

#[tokio::test]
async fn connections_and_the_wait_for_them_are_in_the_metrics() -> Result<()> {
    let limited = "[store]\nconnections_max = 3";
    let server = TestServer::builder().shared().metrics()?.config(limited).start().await?;
    let metrics = server.stranger().get_text("/metrics").await?;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse::<f64>().ok())
    };
    assert_eq!(value("backstay_store_connections_max "), Some(3.0), "{metrics}");
    assert!(value("backstay_store_connections_in_use ").is_some_and(|used| used <= 3.0));
    let waits = value("backstay_store_connection_wait_seconds_count ");
    assert!(waits.is_some_and(|count| count >= 1.0), "{metrics}");
    server.stop().await
}

fn machine_ahead_ms(milliseconds: i64) -> Clock {
    let moment = Timestamp::from_millis(Clock::System.now().millis() + milliseconds);
    Clock::Corrected(CorrectedClock::of(Clock::Manual(ManualClock::at(moment))))
}

async fn hello(client: &TestClient) -> Result<Answer> {
    client.chat("builtin/echo", "hello", json!({})).await
}

/// Two machines whose clocks are two minutes apart.
#[tokio::test]
async fn a_rate_limit_holds_over_servers_whose_clocks_disagree() -> Result<()> {
    let behind = machine_ahead_ms(-60_000);
    let one = TestServer::builder().shared().clock(behind).start().await?;
    let two = one.another_with(machine_ahead_ms(60_000)).await?;
    let limits = json!([{"of": "requests", "per": "minute", "limit": 2}]);
    let settings = json!({"name": "k", "rate_limits": limits});
    let made = one.member().post("/backstay/v1/keys", &settings).await?.body;
    let key = made["key"].as_str().unwrap_or_default();
    let (at_one, at_two) = (one.stranger().with_key(key), two.stranger().with_key(key));
    for _ in 0..2 {
        assert_eq!(hello(&at_one).await?.status.as_u16(), 200, "{made}");
    }
    let refused = hello(&at_two).await?;
    assert_eq!(refused.status.as_u16(), 429, "{refused:?}");
    for (server, expected) in [(&one, 59_000..=80_000), (&two, -60_500..=-40_000)] {
        let status = server.member().get("/backstay/v1/status").await?.body;
        let correction = status["store"]["database"]["clock_correction_ms"].as_i64();
        assert!(correction.is_some_and(|ms| expected.contains(&ms)), "{correction:?}");
    }
    two.stop().await?;
    one.stop().await
}

/// By meaning too: whichever of the two made the vector, the one that was not told has it.
#[tokio::test]
async fn what_one_server_is_told_the_other_recalls_in_the_next_call() -> Result<()> {
    let one = TestServer::builder().shared().embedding("openai/sim-embed").start().await?;
    let two = one.another().await?;
    let (at_one, at_two) = (one.member(), two.member());
    let first = "The heron nests in April.";
    at_one.chat("openai/sim-echo", first, json!({"thread": "new"})).await?;
    let answer = at_two.chat("builtin/recall", "When does the heron nest?", json!({})).await?;
    assert!(answer.recalled().contains(&first.to_owned()), "{answer:?}");

    let then = "My bicycle is green.";
    at_one.chat("openai/sim-echo", then, json!({"thread": "new"})).await?;
    // Its words alone are enough: the turn may have no vector yet.
    let question = "Is my bicycle green?";
    let answer = at_two.chat("builtin/recall", question, json!({"memory": "readonly"})).await?;
    assert!(answer.recalled().contains(&then.to_owned()), "{answer:?}");
    for _ in 0..POLLS_MAX {
        if at_one.get("/backstay/v1/status").await?.body["embedding"]["pending"] == 0 {
            break;
        }
    }
    let explained =
        at_two.post("/backstay/v1/memories/explain", &json!({"query": question})).await?.body;
    let items = explained["items"].as_array().cloned().unwrap_or_default();
    let bicycle = items.iter().find(|item| item["text"] == then);
    assert!(bicycle.is_some_and(|item| item["cosine"].is_number()), "{explained}");
    two.stop().await?;
    one.stop().await
}
