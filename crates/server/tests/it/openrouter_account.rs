//! OpenRouter's account routes: key, keys, credits, activity, generation.

use anyhow::Result;
use backstay_testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::budgets::new_key;

async fn call(client: &TestClient) -> Result<String> {
    let body = json!({
        "model": "openai/sim-echo",
        "max_tokens": 3,
        "messages": [{"role": "user", "content": "one two three"}],
        "backstay": {"memory": "off"},
    });
    let answer = client.post("/v1/chat/completions", &body).await?;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    Ok(answer.body["backstay"]["generation"].as_str().unwrap_or_default().to_owned())
}

#[track_caller]
fn assert_keys(value: &Value, names: &str) {
    let missing: Vec<&str> =
        names.split_whitespace().filter(|name| value.get(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} are missing in {value}");
}

const KEY_INFO: &str = "byok_usage byok_usage_daily byok_usage_monthly byok_usage_weekly created_at
    creator_user_id disabled external_user hash include_byok_in_limit label last_used_at limit
    limit_remaining limit_reset name updated_at usage usage_daily usage_monthly usage_weekly
    workspace_id expires_at";
const OWN_KEY: &str = "allowed_data_regions budgets byok_usage byok_usage_daily byok_usage_monthly
    byok_usage_weekly creator_user_id effective_budget free_model_daily_requests
    include_byok_in_limit is_free_tier is_management_key is_provisioning_key label limit
    limit_remaining limit_reset organization_id rate_limit usage usage_daily usage_monthly
    usage_weekly workspace_id expires_at";
const GENERATION: &str = "api_type app_id cache_discount cancelled created_at data_region
    external_user finish_reason generation_time http_referer id is_byok latency model
    moderation_latency native_finish_reason native_tokens_cached native_tokens_completion
    native_tokens_completion_images native_tokens_prompt native_tokens_reasoning num_fetches
    num_input_audio_prompt num_media_completion num_media_prompt num_search_results origin preset_id
    provider_name provider_responses router service_tier streamed tokens_completion tokens_prompt
    total_cost upstream_id upstream_inference_cost usage user_agent web_search_engine workspace_id";

#[tokio::test]
async fn keys_are_made_listed_changed_and_deleted_by_their_hash() -> Result<()> {
    let server = TestServer::start().await?;
    let wanted = json!({"name": "app", "limit": 0.5, "limit_reset": "weekly"});
    let made = server.member().post("/api/v1/keys", &wanted).await?;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let client = server.stranger().with_key(made.body["key"].as_str().unwrap_or_default());
    call(&client).await?;
    let hash = made.body["data"]["hash"].as_str().unwrap_or_default().to_owned();
    assert_eq!(hash.len(), 64);
    let path = format!("/api/v1/keys/{hash}");
    let shown = server.member().get(&path).await?.body["data"].clone();
    assert_keys(&shown, KEY_INFO);
    assert_eq!((&shown["limit"], &shown["limit_reset"]), (&json!(0.5), &json!("weekly")));
    assert_eq!((&shown["usage"], &shown["usage_daily"]), (&json!(9e-6), &json!(9e-6)));
    assert_eq!(shown["limit_remaining"], json!(0.499991));
    assert_eq!(shown["last_used_at"], "2026-03-01T12:00:00Z");

    let changed = server.member().patch(&path, &json!({"name": "renamed", "limit": null})).await?;
    let changed = &changed.body["data"];
    assert_eq!((&changed["name"], &changed["limit"]), (&json!("renamed"), &Value::Null));
    server.member().patch(&path, &json!({"disabled": true})).await?;
    let listed = server.member().get("/api/v1/keys").await?.body;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "disabled keys are left out");
    let listed = server.member().get("/api/v1/keys?include_disabled=true").await?.body;
    let all = listed["data"].as_array().into_iter().flatten();
    assert_eq!(all.filter(|key| key["hash"] == json!(hash)).count(), 1, "{listed}");
    let rest = server.member().get("/api/v1/keys?include_disabled=true&offset=1").await?.body;
    assert_eq!(rest["data"].as_array().map(Vec::len), Some(1), "{rest}");
    assert_eq!(server.member().delete(&path).await?.body, json!({"deleted": true}));
    assert_eq!(server.member().get(&path).await?.status.as_u16(), 404);
    let refused =
        server.member().post("/api/v1/keys", &json!({"name": "k", "limit": "ten"})).await?;
    assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
    server.stop().await
}

#[tokio::test]
async fn a_key_sees_its_own_limits_and_use() -> Result<()> {
    let server = TestServer::start().await?;
    let of_all = json!({"budgets": [{"period": "total", "limit": "0.4"}]});
    server.member().put("/backstay/v1/budgets", &of_all).await?;
    let settings = json!({"name": "app", "scopes": ["inference"],
        "budgets": [{"period": "day", "limit": "2"}, {"period": "month", "limit": "1"}]});
    let (_, client) = new_key(&server, settings).await?;
    call(&client).await?;
    for path in ["/api/v1/key", "/api/v1/auth/key"] {
        let own = client.get(path).await?.body["data"].clone();
        assert_keys(&own, OWN_KEY);
        assert_eq!((&own["limit"], &own["limit_reset"]), (&json!(1.0), &json!("monthly")));
        assert_eq!(own["budgets"].as_array().map(Vec::len), Some(3), "{own}");
        let tightest = &own["effective_budget"];
        assert_eq!(
            (&tightest["scope"], &tightest["limit_usd"]),
            (&json!("workspace"), &json!(0.4))
        );
        assert_eq!(
            (&tightest["reset_interval"], &tightest["resets_at"]),
            (&Value::Null, &Value::Null)
        );
    }
    assert_eq!(client.get("/api/v1/keys").await?.status.as_u16(), 403);
    assert_eq!(client.get("/api/v1/credits").await?.status.as_u16(), 403);
    let credits = server.member().get("/api/v1/credits").await?.body;
    assert_eq!(credits["data"], json!({"total_credits": 0.4, "total_usage": 9e-6}));
    server.stop().await
}

#[tokio::test]
async fn a_generation_is_shown_to_the_key_that_made_it_and_to_those_who_read_the_ledger()
-> Result<()> {
    let server = TestServer::start().await?;
    let inference = json!({"name": "app", "scopes": ["inference"]});
    let (_, client) = new_key(&server, inference.clone()).await?;
    let (_, other) = new_key(&server, inference).await?;
    let path = format!("/api/v1/generation?id={}", call(&client).await?);
    for reader in [&client, &server.member()] {
        let data = reader.get(&path).await?.body["data"].clone();
        assert_keys(&data, GENERATION);
        assert_eq!((&data["total_cost"], &data["usage"]), (&json!(9e-6), &json!(9e-6)));
        assert_eq!((&data["tokens_prompt"], &data["tokens_completion"]), (&json!(3), &json!(3)));
        assert_eq!(
            (&data["model"], &data["provider_name"]),
            (&json!("sim-echo"), &json!("openai"))
        );
        assert_eq!(data["provider_responses"][0]["status"], 200);
    }
    assert_eq!(other.get(&path).await?.status.as_u16(), 404);
    assert_eq!(client.get("/api/v1/generation?id=gen_0").await?.status.as_u16(), 404);
    server.stop().await
}

#[tokio::test]
async fn activity_is_of_complete_days_by_model_and_provider() -> Result<()> {
    let server = TestServer::start().await?;
    call(&server.member()).await?;
    call(&server.member()).await?;
    let none = server.member().get("/api/v1/activity").await?.body;
    assert_eq!(none, json!({"data": []}), "today is not complete");
    server.clock.advance_ms(24 * 3_600_000);
    let lines = server.member().get("/api/v1/activity").await?.body;
    let expected = json!([{
        "date": "2026-03-01", "model": "sim-echo", "model_permaslug": "sim-echo",
        "endpoint_id": "openai/sim-echo", "provider_name": "openai", "requests": 2,
        "prompt_tokens": 6, "completion_tokens": 6, "reasoning_tokens": 0, "cached_tokens": 0,
        "usage": 18e-6, "byok_usage_inference": 0,
    }]);
    assert_eq!(lines["data"], expected);
    let day = "/api/v1/activity?date=2026-03-01&group_by=workspace";
    assert_eq!(server.member().get(day).await?.body["data"][0]["workspace_id"], "ws_default");
    let refused = server.member().get("/api/v1/activity?date=2026-03-02").await?;
    assert_eq!(refused.status.as_u16(), 400);
    server.stop().await
}

#[tokio::test]
async fn the_ledger_is_summed_up_by_day_model_and_key() -> Result<()> {
    let server = TestServer::start().await?;
    call(&server.member()).await?;
    server.clock.advance_ms(24 * 3_600_000);
    call(&server.member()).await?;
    server.member().chat("builtin/echo", "free", json!({})).await?;
    let sums = |query: &'static str| {
        let client = server.member();
        async move {
            let path = format!("/backstay/v1/ledger/summary{query}");
            Ok::<Value, anyhow::Error>(client.get(&path).await?.body)
        }
    };
    let by_day = sums("").await?;
    let groups = |sums: &Value| -> Vec<(String, u64, String)> {
        let rows = sums["data"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.map(|r| (text(&r["group"]), r["requests"].as_u64().unwrap_or(0), text(&r["cost"])))
            .collect()
    };
    let row = |group: &str, requests, cost: &str| (group.to_owned(), requests, cost.to_owned());
    let days = [row("2026-03-01", 1, "0.000009"), row("2026-03-02", 2, "0.000009")];
    assert_eq!(groups(&by_day), days, "{by_day}");
    let by_model = sums("?group_by=model&from=2026-03-02T00:00:00Z").await?;
    assert_eq!(groups(&by_model), [row("echo", 1, "0"), row("sim-echo", 1, "0.000009")]);
    let page = sums("?group_by=provider&limit=1").await?;
    assert_eq!(groups(&page), [row("builtin", 1, "0")]);
    assert!(page["next"].is_string());
    let refused = server.member().get("/backstay/v1/ledger/summary?group_by=colour").await?;
    assert_eq!(refused.status.as_u16(), 400);
    server.stop().await
}
