//! One row per model call, with exact cost or none.

use anyhow::Result;
use backstay_core::Money;
use backstay_testing::{
    TestServer,
    sim::{Fault, Script},
};
use serde_json::{Value, json};

use crate::budgets::new_key;

async fn row_of(server: &TestServer, model: &str) -> Result<Value> {
    let answer = server.member().chat(model, "one two three", json!({"memory": "off"})).await?;
    let generation = answer.body["backstay"]["generation"].as_str().unwrap_or_default().to_owned();
    let row = server.member().get(&format!("/backstay/v1/generations/{generation}")).await?.body;
    assert_eq!(row["cost"], answer.body["backstay"]["cost"]);
    Ok(row)
}

#[tokio::test]
async fn the_cost_is_tokens_times_price_exactly() -> Result<()> {
    let server = TestServer::start().await?;
    for provider in backstay_testing::UPSTREAMS {
        let row = row_of(&server, &format!("{provider}/sim-echo")).await?;
        let tokens = |class: &str| row["usage"][class].as_u64().unwrap();
        let micro_dollars = tokens("prompt_tokens") + 2 * tokens("completion_tokens");
        assert!(micro_dollars > 0, "{row}");
        let expected = format!("0.{micro_dollars:06}").trim_end_matches('0').to_owned();
        assert_eq!(row["cost"], expected, "{row}");
        assert_eq!(row["status"], "completed");
    }
    server.stop().await
}

#[tokio::test]
async fn the_ledger_shows_the_arithmetic_of_every_charge() -> Result<()> {
    let server = TestServer::start().await?;
    server.sim.script(Script::first("sim-echo", 1, Fault::ServerError))?;
    let row = row_of(&server, "openai/sim-echo").await?;
    let attempts = row["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{row}");
    assert!(attempts[0]["charge"].is_null(), "a refused call is not charged: {row}");
    assert_eq!(attempts[1]["charge"]["cost"], row["cost"]);
    assert_eq!(attempts[1]["charge"]["usage"], row["usage"]);
    let lines = attempts[1]["lines"].as_array().unwrap();
    let prompt = &lines[0];
    assert_eq!((&prompt["class"], &prompt["unit_price"]), (&json!("prompt"), &json!("0.000001")));
    assert_eq!(prompt["count"], row["usage"]["prompt_tokens"]);
    let amounts: Option<Vec<Money>> =
        lines.iter().map(|line| line["amount"].as_str().and_then(Money::parse_dollars)).collect();
    let sum = amounts.and_then(Money::sum).map(|sum| sum.to_string());
    assert_eq!(sum.as_deref(), row["cost"].as_str(), "{row}");
    server.stop().await
}

/// A provider that charges for each image.
const BY_IMAGE: &str = "[[providers]]\nid = \"painter\"\nformat = \"openai\"\n\
    base_url = \"{sim}/v1\"\napi_key = \"k\"\n[[providers.models]]\nid = \"sim-echo\"\n\
    price = { prompt = \"0.000001\", completion = \"0.000002\", image = \"0.01\" }\n";

#[tokio::test]
async fn images_of_a_prompt_are_counted_reserved_and_charged_where_they_have_a_price() -> Result<()>
{
    let server = TestServer::builder().config(BY_IMAGE).start().await?;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}});
    let text = json!({"type": "text", "text": "one two three"});
    let body = |model: &str| {
        json!({"model": model, "max_tokens": 9, "messages": [
            {"role": "user", "content": [image, image, text]}]})
    };
    let path = "/api/v1/chat/completions";
    for (model, images_cost) in [("painter/sim-echo", 20_000), ("openai/sim-echo", 0)] {
        let answer = server.member().post(path, &body(model)).await?;
        let id = answer.headers["x-generation-id"].to_str()?;
        let row = server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body;
        assert_eq!(row["usage"]["prompt_images"], 2, "{row}");
        let tokens = |class: &str| row["usage"][class].as_i64().unwrap();
        let micros = tokens("prompt_tokens") + 2 * tokens("completion_tokens") + images_cost;
        let expected = Money::from_picodollars(micros * 1_000_000).to_string();
        assert_eq!(row["cost"], expected, "{row}");
        let lines = row["attempts"][0]["lines"].as_array().unwrap();
        let of_images = lines.iter().find(|line| line["class"] == "image_prompt");
        let amount = of_images.map(|line| &line["amount"]);
        assert_eq!(amount, (images_cost > 0).then_some(&json!("0.02")), "{row}");
        let shown = server.member().get(&format!("/api/v1/generation?id={id}")).await?.body;
        assert_eq!(shown["data"]["num_media_prompt"], 2, "{shown}");
    }
    let budgets = json!([{"period": "total", "limit": "0.0199"}]);
    let (_, poor) = new_key(&server, json!({"name": "poor", "budgets": budgets})).await?;
    let refused = poor.post(path, &body("painter/sim-echo")).await?;
    assert_eq!(refused.status.as_u16(), 402, "two images cost more than there is: {refused:?}");
    assert_eq!(poor.post(path, &body("openai/sim-echo")).await?.status.as_u16(), 200);
    server.stop().await
}

#[tokio::test]
async fn why_an_answer_ended_is_kept_in_the_neutral_word_and_in_the_providers() -> Result<()> {
    let server = TestServer::start().await?;
    for (provider, stop, length) in [
        ("openai", "stop", "length"),
        ("anthropic", "end_turn", "max_tokens"),
        ("gemini", "STOP", "MAX_TOKENS"),
        ("cohere", "COMPLETE", "MAX_TOKENS"),
        ("bedrock", "end_turn", "max_tokens"),
    ] {
        for (max_tokens, reason, native) in [(100, "stop", stop), (1, "length", length)] {
            let body = json!({"model": format!("{provider}/sim-echo"), "max_tokens": max_tokens,
                "messages": [{"role": "user", "content": "one two three"}], "stream": true});
            let path = "/api/v1/chat/completions";
            let stream = server.member().stream(path, &body).await?;
            let id = stream.headers["x-generation-id"].to_str()?;
            let row = server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body;
            assert_eq!(row["finish_reason"], reason, "{row}");
            assert_eq!(row["native_finish_reason"], native, "{row}");
            let shown = server.member().get(&format!("/api/v1/generation?id={id}")).await?.body;
            assert_eq!(shown["data"]["finish_reason"], reason, "{shown}");
            assert_eq!(shown["data"]["native_finish_reason"], native, "{shown}");
        }
    }
    server.stop().await
}

#[tokio::test]
async fn an_answer_that_broke_off_has_no_reason_and_ended_with_an_error() -> Result<()> {
    let server = TestServer::start().await?;
    let body = json!({"model": "openai/sim-echo!truncate-after-2", "stream": true,
        "messages": [{"role": "user", "content": "one two three four five six"}]});
    let stream = server.member().stream("/api/v1/chat/completions", &body).await?;
    let id = stream.headers["x-generation-id"].to_str()?;
    let row = server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body;
    assert_eq!((&row["status"], &row["finish_reason"]), (&json!("failed"), &Value::Null), "{row}");
    let shown = server.member().get(&format!("/api/v1/generation?id={id}")).await?.body;
    assert_eq!(shown["data"]["finish_reason"], "error", "{shown}");
    assert_eq!(shown["data"]["native_finish_reason"], Value::Null, "{shown}");
    server.stop().await
}

#[tokio::test]
async fn an_unknown_price_is_null_and_missing_usage_is_marked_as_estimated() -> Result<()> {
    let server = TestServer::start().await?;
    let row = row_of(&server, "openai/sim-quote").await?;
    assert!(row["cost"].is_null(), "{row}");
    let row = row_of(&server, "openai/sim-echo!no-usage").await?;
    assert_eq!(row["usage"]["estimated"], true, "{row}");
    server.stop().await
}

#[tokio::test]
async fn a_failed_call_has_its_row_too() -> Result<()> {
    let server = TestServer::start().await?;
    server.member().chat("openai/sim-echo!429", "hi", json!({})).await?;
    let rows = server.member().get("/backstay/v1/generations").await?.body;
    assert_eq!(rows["data"][0]["status"], "failed", "{rows}");
    assert_eq!(rows["data"][0]["error_code"], "upstream_rate_limited");
    server.stop().await
}

#[tokio::test]
async fn the_ledger_is_read_page_by_page_newest_first() -> Result<()> {
    let server = TestServer::start().await?;
    for _ in 0..5 {
        server.clock.advance_ms(10);
        server.member().chat("builtin/echo", "hi", json!({})).await?;
    }
    let mut seen = Vec::new();
    let mut path = "/backstay/v1/generations?limit=2".to_owned();
    loop {
        let page = server.member().get(&path).await?.body;
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(rows.iter().map(|row| row["started_at"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/backstay/v1/generations?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
    server.stop().await
}
