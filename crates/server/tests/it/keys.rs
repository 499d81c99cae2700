//! Keys are made, limited, rotated and taken back, and each may do what its scopes say.

use anyhow::Result;
use backstay_testing::{Answer, TestServer};
use serde_json::{Value, json};

use crate::budgets::new_key;

const PATHS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

fn hello() -> Value {
    json!({"model": "builtin/echo", "max_tokens": 9,
        "messages": [{"role": "user", "content": "hello"}]})
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str, hint: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let error = &answer.body["error"];
    assert_eq!(error["code"], code, "{answer:?}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(hint)), "{error}");
}

#[tokio::test]
async fn a_key_is_shown_once_and_then_only_its_ends() -> Result<()> {
    let server = TestServer::start().await?;
    let made = server.member().post("/backstay/v1/keys", &json!({"name": "laptop"})).await?;
    let text = made.body["key"].as_str().unwrap_or_default().to_owned();
    assert!(text.starts_with("bs-") && text.len() == 67, "{text}");
    let id = made.body["id"].as_str().unwrap_or_default();
    let shown = server.member().get(&format!("/backstay/v1/keys/{id}")).await?.body;
    assert!(!shown.to_string().contains(&text), "{shown}");
    assert_eq!(shown["label"], format!("{}...{}", &text[..7], &text[63..]));
    assert_eq!(shown["scopes"], json!(["inference", "memory", "read", "manage"]));
    assert_eq!(shown["hash"].as_str().map(str::len), Some(64));
    let client = server.stranger().with_key(&text);
    assert_eq!(client.get("/backstay/v1/key").await?.body, shown);
    let list = server.member().get("/backstay/v1/keys").await?.body;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    server.stop().await
}

#[tokio::test]
async fn a_disabled_an_expired_and_a_deleted_key_are_told_apart() -> Result<()> {
    let server = TestServer::start().await?;
    let expiring = json!({"name": "guest", "expires_at": "2026-03-01T13:00:00Z"});
    let (id, client) = new_key(&server, expiring).await?;
    let path = format!("/backstay/v1/keys/{id}");
    for api in PATHS {
        assert_eq!(client.post(api, &hello()).await?.status.as_u16(), 200);
        server.member().patch(&path, &json!({"disabled": true})).await?;
        assert_error(&client.post(api, &hello()).await?, 401, "disabled_api_key", "enable it");
        server.member().patch(&path, &json!({"disabled": false})).await?;
        assert_eq!(client.post(api, &hello()).await?.status.as_u16(), 200);
    }
    server.clock.advance_ms(3_600_000);
    for api in PATHS {
        assert_error(&client.post(api, &hello()).await?, 401, "expired_api_key", "13:00");
    }
    server.member().patch(&path, &json!({"expires_at": null})).await?;
    assert_eq!(client.post(PATHS[0], &hello()).await?.status.as_u16(), 200);
    assert_eq!(server.member().delete(&path).await?.body["deleted"], true);
    for api in PATHS {
        assert_error(&client.post(api, &hello()).await?, 401, "invalid_api_key", "not known");
    }
    assert_error(&server.member().get(&path).await?, 404, "not_found", &id);
    server.stop().await
}

#[tokio::test]
async fn a_rotated_key_works_in_both_forms_for_a_while() -> Result<()> {
    let server = TestServer::start().await?;
    let (id, old) = new_key(&server, json!({"name": "service"})).await?;
    let path = format!("/backstay/v1/keys/{id}/rotate");
    let rotated = server.member().post(&path, &json!({"grace_seconds": 60})).await?.body;
    assert_eq!(rotated["id"], json!(id));
    let new = server.stranger().with_key(rotated["key"].as_str().unwrap_or_default());
    for client in [&old, &new] {
        assert_eq!(client.post(PATHS[0], &hello()).await?.status.as_u16(), 200);
    }
    server.clock.advance_ms(60_000);
    assert_error(&old.post(PATHS[0], &hello()).await?, 401, "expired_api_key", "12:01");
    assert_eq!(new.post(PATHS[0], &hello()).await?.status.as_u16(), 200);
    let rows = server.member().get("/backstay/v1/generations").await?.body;
    let keys: Vec<&Value> =
        rows["data"].as_array().into_iter().flatten().map(|row| &row["key"]).collect();
    assert_eq!(keys, [&json!(id), &json!(id), &json!(id)], "the ledger knows one key");
    server.stop().await
}

#[tokio::test]
async fn every_route_asks_for_a_scope_and_a_key_without_any_may_do_nothing() -> Result<()> {
    let server = TestServer::start().await?;
    let (_, nobody) = new_key(&server, json!({"name": "nobody", "scopes": []})).await?;
    let document = server.stranger().get("/backstay/v1/openapi.json").await?.body;
    let any_key =
        ["/models", "/prices", "/key", "/route/explain"].map(|path| format!("/backstay/v1{path}"));
    let mut refused = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let url = path.replace("{id}", "key_0");
            let request = nobody.request(method.to_uppercase().parse()?, &url);
            let answer = request.json(&json!({})).send().await?;
            if any_key.contains(path) {
                assert_ne!(answer.status(), 403, "{method} {path}");
                continue;
            }
            assert_eq!(answer.status(), 403, "{method} {path}");
            let body: Value = answer.json().await?;
            assert_eq!(body["error"]["code"], "permission_denied", "{method} {path}");
            let message = body["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("needs a key with the scope"), "no line: {method} {path}");
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
    for path in
        ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings"]
    {
        let answer = nobody.post(path, &hello()).await?;
        assert_error(&answer, 403, "permission_denied", "inference");
    }
    let answer = nobody.post("/v1/messages", &hello()).await?;
    assert_eq!(answer.body["error"]["type"], "permission_error");
    assert_eq!(nobody.get("/v1/models").await?.status.as_u16(), 200);
    server.stop().await
}

#[tokio::test]
async fn scopes_part_inference_from_memory_reading_and_management() -> Result<()> {
    let server = TestServer::start().await?;
    let scoped = |scope: &str| json!({"name": scope, "scopes": [scope]});
    let (_, inference) = new_key(&server, scoped("inference")).await?;
    assert_eq!(inference.post(PATHS[0], &hello()).await?.status.as_u16(), 200);
    assert_error(&inference.get("/backstay/v1/threads").await?, 403, "permission_denied", "memory");
    assert_error(&inference.get("/backstay/v1/keys").await?, 403, "permission_denied", "manage");
    for path in PATHS {
        let mut body = hello();
        body["backstay"] = json!({"user": "ann"});
        let refused = inference.post(path, &body).await?;
        assert_error(&refused, 403, "permission_denied", "not use memory");
        body["backstay"] = json!({"memory": "off"});
        assert_eq!(inference.post(path, &body).await?.status.as_u16(), 200);
    }
    let (_, memory) = new_key(&server, scoped("memory")).await?;
    assert_eq!(memory.get("/backstay/v1/threads").await?.status.as_u16(), 200);
    assert_error(&memory.post(PATHS[0], &hello()).await?, 403, "permission_denied", "inference");
    let (_, reader) = new_key(&server, scoped("read")).await?;
    for path in ["/backstay/v1/memories", "/backstay/v1/generations", "/backstay/v1/status"] {
        assert_eq!(reader.get(path).await?.status.as_u16(), 200, "{path}");
    }
    let changed = reader.post("/backstay/v1/memories", &json!({})).await?;
    assert_error(&changed, 403, "permission_denied", "memory");
    assert_error(&reader.get("/backstay/v1/keys").await?, 403, "permission_denied", "manage");
    let (_, manager) = new_key(&server, scoped("manage")).await?;
    assert_eq!(manager.get("/backstay/v1/keys").await?.status.as_u16(), 200);
    assert_error(&manager.post(PATHS[0], &hello()).await?, 403, "permission_denied", "inference");
    server.stop().await
}

#[tokio::test]
async fn too_many_requests_are_429_with_what_was_hit_and_when_it_frees() -> Result<()> {
    let server = TestServer::start().await?;
    let limits = json!([{"of": "requests", "per": "minute", "limit": 3}]);
    let (_, client) = new_key(&server, json!({"name": "slow", "rate_limits": limits})).await?;
    for path in [PATHS[0], PATHS[1], "/v1/models"] {
        let answer = if path == "/v1/models" {
            client.get(path).await?
        } else {
            client.post(path, &hello()).await?
        };
        assert_eq!(answer.status.as_u16(), 200);
        assert!(!answer.headers.contains_key("x-ratelimit-limit"));
    }
    for path in PATHS {
        let refused = client.post(path, &hello()).await?;
        assert_error(&refused, 429, "too_many_requests", "3 requests per minute");
        let limit = &refused.body["error"]["limit"];
        assert_eq!((&limit["limit"], &limit["used"]), (&json!(3), &json!(3)));
        assert_eq!(refused.headers["retry-after"], "61");
        assert_eq!(refused.headers["x-ratelimit-limit"], "3");
        assert_eq!(refused.headers["x-ratelimit-remaining"], "0");
        assert_eq!(refused.headers["x-ratelimit-reset"], "1772366461000");
    }
    server.clock.advance_ms(61_000);
    assert_eq!(client.post(PATHS[0], &hello()).await?.status.as_u16(), 200);
    server.stop().await
}

#[tokio::test]
async fn limits_of_tokens_and_of_money_count_what_calls_really_used() -> Result<()> {
    let server = TestServer::start().await?;
    let call = json!({"model": "openai/sim-echo", "max_tokens": 60,
        "messages": [{"role": "user", "content": "one two three"}]});
    for limit in [
        json!({"of": "tokens", "per": "hour", "limit": 80}),
        json!({"of": "money", "per": "hour", "limit": "0.00016"}),
    ] {
        let settings = json!({"name": "slow", "rate_limits": [limit]});
        let (_, client) = new_key(&server, settings).await?;
        // Each takes more than half of the limit at first and gives most of it back.
        for _ in 0..2 {
            assert_eq!(client.post(PATHS[0], &call).await?.status.as_u16(), 200, "{limit}");
        }
        while client.post(PATHS[0], &call).await?.status.as_u16() == 200 {}
        let refused = client.post(PATHS[0], &call).await?;
        assert_eq!(refused.body["error"]["limit"]["of"], limit["of"], "{refused:?}");
        assert_eq!(refused.status.as_u16(), 429);
    }
    server.stop().await
}

#[tokio::test]
async fn mistakes_in_a_keys_settings_are_named() -> Result<()> {
    let server = TestServer::start().await?;
    let day = json!({"period": "day", "limit": "1"});
    for (settings, hint) in [
        (json!({}), "name of 1 to 128"),
        (json!({"name": "k", "expires_at": "2026-03-01T11:00:00Z"}), "would have expired"),
        (json!({"name": "k", "budgets": [day, day]}), "two budgets"),
        (json!({"name": "k", "budgets": [{"period": "year", "limit": "1"}]}), "year"),
        (json!({"name": "k", "budgets": [{"period": "day", "limit": 1}]}), "string"),
        (json!({"name": "k", "scopes": ["root"]}), "root"),
        (json!({"name": "k", "limit": 5}), "limit"),
    ] {
        let answer = server.member().post("/backstay/v1/keys", &settings).await?;
        assert_error(&answer, 400, "invalid_request", hint);
    }
    let own = server.member().get("/backstay/v1/key").await?.body;
    let path = format!("/backstay/v1/keys/{}", own["id"].as_str().unwrap_or_default());
    assert_error(&server.member().delete(&path).await?, 409, "conflict", "use another");
    let disabled = server.member().patch(&path, &json!({"disabled": true})).await?;
    assert_error(&disabled, 409, "conflict", "use another");
    server.stop().await
}
