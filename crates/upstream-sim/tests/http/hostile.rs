//! Upstreams that are worse than broken, and what everything costs.

use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::{Lab, json as read_json};

fn ask(model: &str, stream: bool) -> Value {
    json!({
        "model": model, "stream": stream, "max_tokens": 100,
        "messages": [{"role": "user", "content": "one two three four five"}]
    })
}

#[tokio::test]
async fn hostile_answers_are_what_their_names_say() {
    let lab = Lab::start().await;
    let status = lab.openai(ask("sim-echo!status-418", false)).await;
    assert_eq!(read_json(status, 418).await["error"]["code"], 418);
    let page = lab.openai(ask("sim-echo!html-502", false)).await;
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.text().await.unwrap().starts_with("<html>"));
    assert_eq!(lab.openai(ask("sim-echo!empty-body", true)).await.text().await.unwrap(), "");
    let redirect = lab.post("/v1/chat/completions", &ask("sim-echo!redirect", false)).send().await;
    assert!(redirect.unwrap_err().is_connect(), "it was followed to where nobody listens");
    let wrong = lab.openai(ask("sim-echo!wrong-content-type", false)).await;
    assert_eq!(wrong.headers()["content-type"], "text/html; charset=utf-8");
    assert!(wrong.text().await.unwrap().contains("one two three"));
    let line = lab.openai(ask("sim-echo!huge-line-1000000", true)).await.bytes().await.unwrap();
    assert!(line.len() >= 1_000_000 && !line.contains(&b'\n'));
    let garbage = lab.openai(ask("sim-echo!garbage", true)).await.text().await.unwrap();
    assert!(garbage.contains("\"del\n\n"));
    let lie = lab.openai(ask("sim-echo!lying-usage", false)).await;
    let usage = &read_json(lie, 200).await["usage"];
    assert_eq!(usage["completion_tokens"], 9_000_000_000_000_000_u64);
}

#[tokio::test]
async fn an_endless_answer_goes_on_until_the_client_leaves() {
    let lab = Lab::start().await;
    let mut chunks = lab.openai(ask("sim-echo!endless", true)).await.bytes_stream();
    let mut read = 0;
    while read < 5_000_000 {
        read += chunks.next().await.expect("it goes on").unwrap().len();
    }
}

#[tokio::test]
async fn what_was_begun_is_charged_and_what_was_refused_is_not() {
    let lab = Lab::start().await;
    for model in ["sim-echo", "sim-echo!no-usage", "sim-echo!truncate-after-2", "sim-echo!500"] {
        let _ = lab.openai(ask(model, true)).await.text().await;
    }
    let mut stream = lab.openai(ask("sim-echo!per-token-50", true)).await.bytes_stream();
    let _first = stream.next().await;
    drop(stream);
    let begun = |charges: &[upstream_sim::Charge]| charges.len() == 4;
    while !begun(&lab.sim.ledger()) {
        tokio::task::yield_now().await;
    }
    let charges = lab.sim.ledger();
    let of = |model: &str| charges.iter().find(|charge| charge.model == model).unwrap();
    assert_eq!(of("sim-echo").completion_tokens, 5);
    assert!(of("sim-echo").completed && of("sim-echo").prompt_tokens >= 5);
    assert_eq!(of("sim-echo").text, "one two three four five");
    assert_eq!(of("sim-echo!no-usage").completion_tokens, 5);
    assert_eq!(of("sim-echo!truncate-after-2").completion_tokens, 2);
    let left = of("sim-echo!per-token-50");
    assert!(left.completion_tokens < 5 && !left.completed, "{left:?}");
}
