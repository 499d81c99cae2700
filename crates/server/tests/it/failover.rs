//! Before the first token another endpoint takes over; after it nothing is spliced.

use anyhow::Result;
use backstay_testing::{
    TestServer,
    sim::{Fault, Script},
};
use serde_json::json;

const ROUTE: &str = "[[models]]\nid = \"chat\"\nendpoints = [\"openai/sim-echo\", \"anthropic/sim-quote\"]\n\
     [[models]]\nid = \"dead-first\"\nendpoints = [\"dead/any\", \"gemini/sim-echo\"]";

#[tokio::test]
async fn a_failing_endpoint_is_replaced_and_both_attempts_are_in_the_ledger() -> Result<()> {
    let server = TestServer::builder().config(ROUTE).start().await?;
    for stream in [false, true] {
        server.sim.script(Script::first("sim-echo", 1, Fault::Overloaded))?;
        let body = json!({"model": "chat", "stream": stream, "backstay": {"memory": "off"},
            "messages": [{"role": "user", "content": "hello there"}]});
        let generation = if stream {
            let answer = server.member().stream("/v1/chat/completions", &body).await?;
            assert!(!answer.text().is_empty());
            answer.headers["x-backstay-generation"].to_str()?.to_owned()
        } else {
            let answer = server.member().post("/v1/chat/completions", &body).await?;
            assert!(!answer.text().is_empty(), "{answer:?}");
            answer.headers["x-backstay-generation"].to_str()?.to_owned()
        };
        let row =
            server.member().get(&format!("/backstay/v1/generations/{generation}")).await?.body;
        assert_eq!(row["status"], "completed", "{row}");
        assert_eq!(row["provider"], "anthropic");
        assert_eq!(row["attempts"].as_array().map(Vec::len), Some(2), "{row}");
        assert_eq!(row["attempts"][0]["error_code"], "upstream_overloaded");
        assert_eq!(row["attempts"][0]["http_status"], 529);
        assert!(row["attempts"][1]["error_code"].is_null());
    }
    server.stop().await
}

#[tokio::test]
async fn an_upstream_that_is_down_is_passed_over() -> Result<()> {
    let server = TestServer::builder().config(ROUTE).start().await?;
    let answer = server.member().chat("dead-first", "hello", json!({})).await?;
    assert_eq!(answer.text(), "hello");
    server.stop().await
}

#[tokio::test]
async fn a_passing_failure_of_the_only_endpoint_is_tried_once_more() -> Result<()> {
    let server = TestServer::start().await?;
    server.sim.script(Script::first("sim-echo", 1, Fault::ServerError))?;
    assert_eq!(server.member().chat("openai/sim-echo", "hello", json!({})).await?.text(), "hello");
    server.sim.script(Script::first("sim-echo", 2, Fault::ServerError))?;
    let answer = server.member().chat("openai/sim-echo", "hello", json!({})).await?;
    assert_eq!(answer.body["error"]["code"], "upstream_error");
    server.stop().await
}

#[tokio::test]
async fn after_the_first_token_a_failure_ends_the_stream_with_a_typed_error() -> Result<()> {
    let server = TestServer::builder().config(ROUTE).start().await?;
    for fault in ["error-after-2", "reset-after-2", "truncate-after-2"] {
        for provider in backstay_testing::UPSTREAMS {
            let body = json!({"model": format!("{provider}/sim-echo!{fault}"), "stream": true,
                "backstay": {"memory": "off"},
                "messages": [{"role": "user", "content": "one two three four five"}]});
            let answer = server.member().stream("/v1/chat/completions", &body).await?;
            assert_eq!(answer.status.as_u16(), 200);
            let last = answer.events.last().cloned().unwrap_or_default();
            assert!(last["error"]["code"].is_string(), "{provider} {fault}: {answer:?}");
            assert!(!answer.events.iter().any(|event| event == "[DONE]"), "{provider} {fault}");
            assert!(answer.text().starts_with("one"), "{provider} {fault}: {}", answer.text());
            assert!(!answer.text().contains("five"), "{provider} {fault}: {}", answer.text());
            let generation = answer.headers["x-backstay-generation"].to_str()?;
            let path = format!("/backstay/v1/generations/{generation}");
            let row = server.member().get(&path).await?.body;
            assert_eq!(row["status"], "failed", "{row}");
            assert!(row["usage"]["completion_tokens"].as_u64() > Some(0), "{row}");
            assert_eq!(row["attempts"].as_array().map(Vec::len), Some(1));
        }
    }
    server.stop().await
}
