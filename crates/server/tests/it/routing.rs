//! Endpoints are chosen among many, and the choice can be explained.

use anyhow::Result;
use backstay_testing::{
    TestServer,
    sim::{Fault, Script},
};
use serde_json::{Value, json};

/// `acme/m` at three of the simulator's formats, for 1, 2 and 3 dollars a million tokens. A fourth
/// endpoint is dead.
fn acme(sim_path: &str) -> String {
    let model = |provider: &str, format: &str, path: &str, price: u32, data: &str| {
        format!(
            "[[providers]]\nid = \"{provider}\"\nformat = \"{format}\"\nbase_url = \"{sim_path}{path}\"\napi_key = \"sk-acme\"\n\
             [[providers.models]]\nid = \"sim-echo\"\nmodel = \"acme/m\"\ndata = {data}\n\
             price = {{ prompt = \"0.00000{price}\", completion = \"0.00000{price}\" }}\n"
        )
    };
    [
        model("cheap", "openai", "/v1", 1, "{ trains = true }"),
        model("middle", "anthropic", "", 2, "{ trains = false, retains = false, region = \"eu\" }"),
        model("dear", "gemini", "/v1beta", 3, "{ trains = false, retains = true }"),
    ]
    .concat()
}

async fn server() -> Result<TestServer> {
    TestServer::builder().config_for_sim(acme).start().await
}

fn body(provider: Value) -> Value {
    json!({"model": "acme/m", "provider": provider,
        "messages": [{"role": "user", "content": "one two three four five six"}]})
}

#[tokio::test]
async fn the_reply_tells_how_its_endpoint_was_chosen() -> Result<()> {
    let server = server().await?;
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let mut body = body(json!({"sort": "price", "data_collection": "deny", "trace": true}));
        body["max_tokens"] = json!(50);
        let answer = server.member().post(path, &body).await?;
        let router = &answer.body["backstay"]["router"];
        assert_eq!(router["strategy"], "price", "{answer:?}");
        assert_eq!(router["candidates"][0]["endpoint"], "middle/sim-echo");
        assert_eq!(router["candidates"][1]["endpoint"], "dear/sim-echo");
        assert_eq!(router["candidates"][2]["removed"]["filter"], "data_collection");
        assert_eq!(router["attempts"][0]["provider"], "middle");
        body["stream"] = json!(true);
        let answer = server.member().stream(path, &body).await?;
        let routers: Vec<&Value> =
            answer.events.iter().filter_map(|event| event.pointer("/backstay/router")).collect();
        assert_eq!(routers.len(), 1, "{answer:?}");
        assert_eq!(routers[0]["attempts"][0]["provider"], "middle");
    }
    let plain = server.member().post("/v1/chat/completions", &body(json!({}))).await?;
    assert!(plain.body.get("backstay").is_none(), "who did not ask is not told");
    server.stop().await
}

#[tokio::test]
async fn explaining_a_route_calls_nothing() -> Result<()> {
    let server = server().await?;
    let asked = json!({"model": "acme/m", "provider": {"sort": "price", "zdr": true}});
    let trace = server.member().post("/backstay/v1/route/explain", &asked).await?.body;
    assert_eq!(trace["candidates"][0]["endpoint"], "middle/sim-echo", "{trace}");
    assert_eq!(trace["candidates"][0]["place"], 1);
    assert_eq!(trace["candidates"][0]["health"]["standing"], "ready");
    assert!(trace["candidates"][1]["place"].is_null());
    assert_eq!(trace["attempts"], json!([]));
    assert!(server.sim.requests().iter().all(|request| request.method == "GET"));
    server.stop().await
}

#[tokio::test]
async fn impossible_wishes_say_which_filter_left_nothing() -> Result<()> {
    let server = server().await?;
    let cases = [
        (json!({"only": ["nobody"]}), "no_endpoints", 404, "only"),
        (json!({"max_price": {"prompt": 0.5}}), "no_endpoints", 404, "max_price"),
        (json!({"regions": ["mars"]}), "no_endpoints", 404, "region"),
        (json!({"zdr": true, "ignore": ["middle"]}), "no_endpoints", 404, "zdr"),
        (json!({"colour": "red"}), "invalid_request", 400, "provider.colour"),
        (json!({"sort": "beauty"}), "invalid_request", 400, "provider.sort"),
    ];
    for (preferences, code, status, hint) in cases {
        let answer =
            server.member().post("/v1/chat/completions", &body(preferences.clone())).await?;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        assert_eq!(answer.body["error"]["code"], code);
        let message = answer.body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(hint), "{message}");
        let mut body = body(preferences);
        body["max_tokens"] = json!(10);
        let answer = server.member().post("/v1/messages", &body).await?;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.body["type"], "error");
        let message = answer.body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(hint), "{message}");
    }
    server.stop().await
}

#[tokio::test]
async fn an_operators_policy_binds_every_call() -> Result<()> {
    let policy = "[routing.policy]\nzero_retention = true\ndeny_models = [\"openai/*\"]\n";
    let server = TestServer::builder().config(policy).config_for_sim(acme).start().await?;
    let answer =
        server.member().post("/v1/chat/completions", &body(json!({"trace": true}))).await?;
    assert_eq!(
        answer.body["backstay"]["router"]["attempts"][0]["provider"], "middle",
        "{answer:?}"
    );
    let answer = server.member().chat("openai/sim-echo", "hello", json!({})).await?;
    assert_eq!(answer.status.as_u16(), 403);
    assert_eq!(answer.body["error"]["code"], "permission_denied");
    let embedding = json!({"model": "openai/sim-embed", "input": "hello"});
    let answer = server.member().post("/v1/embeddings", &embedding).await?;
    assert_eq!(answer.body["error"]["code"], "permission_denied", "{answer:?}");
    server.stop().await
}

#[tokio::test]
async fn a_failing_endpoint_is_left_alone_until_it_is_probed() -> Result<()> {
    let server = server().await?;
    // A failing call is repeated once: three calls, six failures.
    server.sim.script(Script::first("sim-echo", 6, Fault::ServerError))?;
    let only = |names: &[&str]| body(json!({"only": names, "order": names, "trace": true}));
    for _ in 0..3 {
        let answer = server.member().post("/v1/chat/completions", &only(&["cheap"])).await?;
        assert_eq!(answer.body["error"]["code"], "upstream_error", "{answer:?}");
    }
    let standing = |trace: &Value| trace["candidates"][1]["health"]["standing"].clone();
    let both = only(&["cheap", "middle"]);
    let answer = server.member().post("/v1/chat/completions", &both).await?;
    let router = &answer.body["backstay"]["router"];
    assert_eq!(
        router["attempts"][0]["provider"], "middle",
        "the failing one is not asked: {router}"
    );
    assert_eq!(standing(router), "paused", "{router}");
    server.clock.advance_ms(10_000);
    let answer = server.member().post("/v1/chat/completions", &both).await?;
    let router = &answer.body["backstay"]["router"];
    assert_eq!(router["attempts"][0]["provider"], "cheap", "one call finds out: {router}");
    assert_eq!(router["candidates"][0]["health"]["standing"], "probing");
    server.stop().await
}

#[tokio::test]
async fn a_broken_answer_is_continued_for_who_asked_and_for_nobody_else() -> Result<()> {
    let server = server().await?;
    for (provider, path) in [("cheap", "/v1/chat/completions"), ("middle", "/v1/messages")] {
        server.sim.script(Script::first("sim-echo", 1, Fault::TruncateAfter { tokens: 2 }))?;
        let mut body = body(json!({"order": [provider, "dear"], "continue": true}));
        body["stream"] = json!(true);
        body["max_tokens"] = json!(50);
        let answer = server.member().stream(path, &body).await?;
        assert_eq!(answer.text(), "one two three four five six", "{path} {answer:?}");
        let told = answer.events.iter().find_map(|event| event.pointer("/backstay/continued_by"));
        assert_eq!(told, Some(&json!(["dear/sim-echo"])), "{answer:?}");
        let generation = answer.headers["x-backstay-generation"].to_str()?.to_owned();
        let row =
            server.member().get(&format!("/backstay/v1/generations/{generation}")).await?.body;
        assert_eq!(row["status"], "completed", "{row}");
        assert_eq!(row["provider"], "dear");
        let broken = row["attempts"][0]["error_code"].as_str().unwrap_or_default();
        assert!(broken.starts_with("upstream_"), "{row}");
    }
    server.sim.script(Script::first("sim-echo", 1, Fault::TruncateAfter { tokens: 2 }))?;
    let mut body = body(json!({"order": ["cheap", "dear"]}));
    body["stream"] = json!(true);
    let answer = server.member().stream("/v1/chat/completions", &body).await?;
    assert!(!answer.text().contains("six"), "{answer:?}");
    assert!(answer.events.iter().any(|event| event.get("error").is_some()));
    server.stop().await
}

#[tokio::test]
async fn a_slow_first_token_is_hedged_and_the_loser_is_in_the_ledger() -> Result<()> {
    let server = server().await?;
    let hedged =
        |hedge: bool| body(json!({"order": ["cheap", "middle"], "hedge": hedge, "trace": true}));
    // What is usual has to be known first.
    for _ in 0..20 {
        server.member().post("/v1/chat/completions", &hedged(false)).await?;
    }
    server.sim.script(Script::first("sim-echo", 1, Fault::SlowHeaders { delay_ms: 60_000 }))?;
    let answer = server.member().post("/v1/chat/completions", &hedged(true)).await?;
    assert_eq!(answer.text(), "one two three four five six", "{answer:?}");
    let id = answer.body["backstay"]["generation"].as_str().unwrap_or_default().to_owned();
    let row = server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body;
    assert_eq!(row["provider"], "middle", "{row}");
    assert_eq!(row["attempts"][0]["error_code"], "abandoned");
    assert!(row["attempts"][1]["error_code"].is_null());
    server.stop().await
}
