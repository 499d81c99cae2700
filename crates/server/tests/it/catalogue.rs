//! Models and prices from an OpenRouter account, kept, shown and charged.

use anyhow::Result;
use backstay_testing::{
    Answer, TestServer,
    sim::{Catalogue, Fault, Script},
};
use serde_json::{Value, json};

/// OpenRouter, and a provider that serves one of its models directly.
const PROVIDERS: &str = r#"
    [[providers]]
    id = "openrouter"
    format = "openai"
    base_url = "{sim}/api/v1"
    api_key = "sk-or"
    aggregator = true
    [[providers]]
    id = "groq"
    name = "Groq"
    format = "openai"
    base_url = "{sim}/v1"
    api_key = "sk-groq"
    data = { trains = false, retains = false }
    [[providers.models]]
    id = "large"
    model = "acme/large-2"
"#;

async fn start() -> Result<TestServer> {
    let server = TestServer::builder().config(PROVIDERS).start().await?;
    refresh(&server).await?;
    Ok(server)
}

async fn refresh(server: &TestServer) -> Result<Value> {
    let answer = server.member().post("/backstay/v1/models/refresh", &json!({})).await?;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    Ok(answer.body)
}

fn ids(answer: &Answer) -> Vec<&str> {
    let data = answer.body["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    data.iter().filter_map(|row| row["id"].as_str()).collect()
}

/// The made-up catalogue with one model changed.
fn with_price(completion: &str) -> Catalogue {
    let mut catalogue = Catalogue::of_made_up_models();
    catalogue.models[0]["pricing"]["completion"] = json!(completion);
    catalogue
}

#[tokio::test]
async fn models_have_openrouters_shape_with_every_member_that_its_sdks_require() -> Result<()> {
    let server = start().await?;
    let answer = server.member().get("/api/v1/models?model_authors=acme").await?;
    assert_eq!(answer.body["total_count"], 2);
    assert!(answer.body["links"]["next"].is_null());
    let large = &answer.body["data"][1];
    let required = [
        "id",
        "canonical_slug",
        "name",
        "created",
        "context_length",
        "architecture",
        "pricing",
        "top_provider",
        "per_request_limits",
        "supported_parameters",
        "default_parameters",
        "supported_voices",
        "links",
    ];
    for member in required {
        assert!(large.get(member).is_some(), "{member}: {large}");
    }
    assert_eq!(large["id"], "acme/large-2");
    assert_eq!(large["name"], "Acme: Large 2");
    assert_eq!(large["architecture"]["modality"], "text+image->text");
    assert_eq!(large["links"]["details"], "/api/v1/models/acme/large-2/endpoints");
    assert_eq!(large["top_provider"]["is_moderated"], false);
    // The direct endpoint's price, which OpenRouter told, is the lower one.
    assert_eq!(large["pricing"]["completion"], "0.000008");
    let free = &answer.body["data"][0];
    assert_eq!(free["pricing"], json!({"prompt": "0", "completion": "0"}));
    let router = server.member().get("/api/v1/model/openrouter/auto").await?.body;
    assert_eq!(router["data"]["pricing"], json!({"prompt": "-1", "completion": "-1"}));
    server.stop().await
}

#[tokio::test]
async fn a_models_endpoints_tell_who_serves_it_at_which_price() -> Result<()> {
    let server = start().await?;
    let answer = server.member().get("/api/v1/models/acme/large-2:nitro/endpoints").await?;
    let data = &answer.body["data"];
    assert_eq!(data["id"], "acme/large-2");
    let endpoints = data["endpoints"].as_array().unwrap();
    let tags: Vec<&Value> = endpoints.iter().map(|endpoint| &endpoint["tag"]).collect();
    assert_eq!(tags, ["openrouter", "groq/fp8"]);
    let groq = &endpoints[1];
    assert_eq!(groq["provider_name"], "Groq");
    assert_eq!((&groq["context_length"], &groq["quantization"]), (&json!(131_072), &json!("fp8")));
    assert_eq!(endpoints[0]["pricing"]["overrides"][0]["min_prompt_tokens"], 128_000);
    for member in ["native_tools", "supports_tool_choice", "service_tier", "uptime_last_5m"] {
        assert!(groq.get(member).is_some(), "{member}");
    }
    let zdr = server.member().get("/api/v1/endpoints/zdr").await?.body;
    let kept_nowhere = zdr["data"].as_array().unwrap();
    assert!(kept_nowhere.iter().any(|endpoint| endpoint["tag"] == "groq/fp8"), "{zdr}");
    assert!(kept_nowhere.iter().all(|endpoint| endpoint["tag"] != "openrouter"));

    let unsold = server.member().get("/api/v1/models/acme/large-2:free/endpoints").await?;
    assert_eq!((unsold.status.as_u16(), &unsold.body["data"]["endpoints"]), (200, &json!([])));
    let unsold = server.member().get("/api/v1/model/acme/large-2:free").await?;
    assert_eq!(unsold.status.as_u16(), 404);
    let unknown = server.member().get("/api/v1/models/acme/large-3/endpoints").await?;
    assert_eq!(unknown.status.as_u16(), 404);
    assert!(unknown.body["error"]["message"].as_str().unwrap().contains("acme/large-2"));
    server.stop().await
}

#[tokio::test]
async fn lists_are_searched_filtered_sorted_and_paged() -> Result<()> {
    let server = start().await?;
    let get = async |path: &str| server.member().get(path).await;
    let found = get("/api/v1/models?q=acme&sort=pricing-low-to-high").await?;
    assert_eq!(ids(&found), ["acme/small-1:free", "acme/large-2"]);
    let found = get("/v1/models?q=acme&sort=context").await?;
    assert_eq!(ids(&found), ["acme/large-2", "acme/small-1:free"]);
    let found = get("/v1/models?supported_parameters=tools&model_authors=acme").await?;
    assert_eq!(ids(&found), ["acme/large-2"]);
    let found = get("/v1/models?q=acme&max_price=0").await?;
    assert_eq!(ids(&found), ["acme/small-1:free"]);
    let found = get("/backstay/v1/models?providers=groq&q=acme").await?;
    assert_eq!(ids(&found), ["acme/large-2"]);
    assert_eq!(found.body["data"][0]["endpoints"][1]["price_source"]["name"], "openrouter");
    let count = get("/api/v1/models/count?q=acme").await?;
    assert_eq!(count.body, json!({"data": {"count": 2}}));

    let first = get("/api/v1/models?q=acme&limit=1").await?;
    assert_eq!((ids(&first).len(), &first.body["total_count"]), (1, &json!(2)));
    let next = first.body["links"]["next"].as_str().unwrap();
    let second = get(next).await?;
    assert_ne!(ids(&first), ids(&second));
    assert!(second.body["links"]["next"].is_null());

    let refused = get("/api/v1/models?sort=colour").await?;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["metadata"]["parameter"]),
        (400, &json!("sort"))
    );
    server.stop().await
}

#[tokio::test]
async fn embedding_models_are_listed_apart() -> Result<()> {
    let embed = "[[providers]]\nid = \"acme\"\nformat = \"openai\"\nbase_url = \"{sim}/v1\"\n\
        [[providers.models]]\nid = \"vectors\"\noutput_modalities = [\"embeddings\"]\n";
    let server = TestServer::builder().config(embed).start().await?;
    let listed = server.member().get("/api/v1/embeddings/models").await?;
    assert_eq!(ids(&listed), ["acme/vectors"]);
    let chat = server.member().get("/api/v1/models").await?;
    assert!(!ids(&chat).contains(&"acme/vectors") && ids(&chat).contains(&"openai/sim-echo"));
    let providers = server.member().get("/api/v1/providers").await?.body;
    let slugs: Vec<&Value> =
        providers["data"].as_array().unwrap().iter().map(|row| &row["slug"]).collect();
    assert!(slugs.iter().any(|slug| **slug == "acme"), "{slugs:?}");
    server.stop().await
}

#[tokio::test]
async fn a_change_of_price_is_recorded_and_never_applied_backwards() -> Result<()> {
    let server = start().await?;
    let call = async || -> Result<Value> {
        let answer = server.member().chat("openrouter/acme/large-2", "one two", json!({})).await?;
        let id = answer.body["backstay"]["generation"].as_str().unwrap_or_default().to_owned();
        Ok(server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body)
    };
    let before = call().await?;
    server.clock.advance_ms(60_000);
    server.sim.set_catalogue(with_price("0.00002"));
    assert_eq!(refresh(&server).await?["prices_changed"], 1);
    let after = call().await?;
    assert_eq!(before["price"]["completion"], "0.00001", "{before}");
    assert_eq!(after["price"]["completion"], "0.00002");
    let id = before["id"].as_str().unwrap_or_default();
    let read_again = server.member().get(&format!("/backstay/v1/generations/{id}")).await?.body;
    assert_eq!(read_again, before);

    let history = server.member().get("/backstay/v1/prices?model=openrouter/acme/large-2").await?;
    let changes = history.body["data"].as_array().unwrap();
    let completions: Vec<&Value> = changes.iter().map(|row| &row["price"]["completion"]).collect();
    assert_eq!(completions, ["0.00002", "0.00001"]);
    assert_eq!(changes[0]["recorded_at"], "2026-03-01T12:01:00Z");
    assert_eq!(
        (&changes[0]["source"], &changes[0]["as_of"]),
        (&json!("openrouter"), &json!("2026-03-01"))
    );
    let of_model = server.member().get("/backstay/v1/prices?model=acme/large-2").await?.body;
    let endpoints: Vec<&Value> =
        of_model["data"].as_array().unwrap().iter().map(|row| &row["endpoint"]).collect();
    assert_eq!(endpoints, ["groq/large", "openrouter/acme/large-2", "openrouter/acme/large-2"]);
    let unknown = server.member().get("/backstay/v1/prices?model=acme/unheard-of").await?;
    assert_eq!(unknown.body["error"]["code"], "model_not_found");
    server.stop().await
}

#[tokio::test]
async fn a_model_that_vanished_is_refused_helpfully_before_it_is_called() -> Result<()> {
    let server = start().await?;
    let mut catalogue = Catalogue::of_made_up_models();
    catalogue.models = json!([catalogue.models[0]]);
    server.sim.set_catalogue(catalogue);
    server.clock.advance_ms(24 * 60 * 60 * 1_000);
    let report = refresh(&server).await?;
    let openrouter =
        report["providers"].as_array().unwrap().iter().find(|row| row["provider"] == "openrouter");
    assert_eq!(openrouter.unwrap()["gone"], json!(["acme/small-1:free", "openrouter/auto"]));

    let calls = server.sim.requests().len();
    let answer = server.member().chat("acme/small-1:free", "hi", json!({})).await?;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["error"]["code"]),
        (404, &json!("model_not_found"))
    );
    let message = answer.body["error"]["message"].as_str().unwrap();
    for part in ["openrouter does not list it any more since 2026-03-02", "acme/large-2"] {
        assert!(message.contains(part), "{message}");
    }
    let answer = server.member().message("acme/small-1:free", "hi", json!({})).await?;
    assert_eq!(answer.body["error"]["type"], "not_found_error");
    assert_eq!(server.sim.requests().len(), calls, "it was not called");
    let history = server.member().get("/backstay/v1/prices?model=acme/small-1:free").await?.body;
    assert_eq!(history["data"][0]["price"]["prompt"], "0");

    // It may come back.
    server.sim.set_catalogue(Catalogue::of_made_up_models());
    refresh(&server).await?;
    let answer = server.member().chat("acme/small-1:free", "hi", json!({})).await?;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    server.stop().await
}

#[tokio::test]
async fn a_start_without_the_provider_knows_what_it_last_said() -> Result<()> {
    let server = start().await?;
    server.sim.set_catalogue(Catalogue { models: json!("no list"), ..Catalogue::default() });
    let server = server.restart().await?;
    let large = server.member().get("/api/v1/model/acme/large-2").await?.body;
    assert_eq!(large["data"]["pricing"]["completion"], "0.000008");
    let report = refresh(&server).await?;
    let openrouter =
        report["providers"].as_array().unwrap().iter().find(|row| row["provider"] == "openrouter");
    assert!(openrouter.unwrap()["error"].as_str().unwrap().contains("no list of models"));
    assert!(openrouter.unwrap()["models"].is_null());
    server.stop().await
}

#[tokio::test]
async fn thousands_of_models_and_some_bad_rows_among_them_are_listed() -> Result<()> {
    let server = start().await?;
    let mut catalogue = Catalogue::of_made_up_models();
    let model = catalogue.models[0].clone();
    let mut rows: Vec<Value> = (0..2_500)
        .map(|number| {
            let mut row = model.clone();
            row["id"] = json!(format!("acme/mass-{number}"));
            row
        })
        .collect();
    rows.extend([json!(7), json!({"id": null}), json!({"id": "acme/bare"})]);
    catalogue.models = Value::Array(rows);
    server.sim.set_catalogue(catalogue);
    refresh(&server).await?;
    let all = server.member().get("/api/v1/models?output_modalities=all&q=acme").await?;
    assert_eq!(all.body["total_count"], 2_502, "the bare row and the one served directly included");
    assert_eq!(ids(&all).len(), 2_502);
    let bare = server.member().get("/api/v1/model/acme/bare").await?.body;
    assert_eq!(bare["data"]["pricing"]["prompt"], "-1");
    server.stop().await
}

#[tokio::test]
async fn an_endpoint_shows_what_was_measured_of_it_here() -> Result<()> {
    let server = TestServer::start().await?;
    let path = "/api/v1/models/openai/sim-echo/endpoints";
    let before = server.member().get(path).await?.body["data"]["endpoints"][0].clone();
    for name in ["latency_last_30m", "throughput_last_30m", "uptime_last_5m", "uptime_last_1d"] {
        assert!(before.get(name).is_some_and(Value::is_null), "{name} was not measured: {before}");
    }
    server.sim.script(Script::first("sim-echo", 1, Fault::ServerError))?;
    for _ in 0..24 {
        server.member().chat("openai/sim-echo", "one two", json!({"memory": "off"})).await?;
    }
    let after = server.member().get(path).await?.body["data"]["endpoints"][0].clone();
    for name in ["p50", "p75", "p90", "p99"] {
        assert!(after["latency_last_30m"][name].is_number(), "{after}");
    }
    assert!(after["throughput_last_30m"].is_null(), "whole answers have no speed: {after}");
    for name in ["uptime_last_5m", "uptime_last_30m", "uptime_last_1d"] {
        assert_eq!(after[name], json!(96.0), "{after}");
    }
    server.stop().await
}
