//! Each mistake gets an answer in its own dialect that says what to do.

use anyhow::Result;
use backstay_testing::{Answer, TestServer};
use serde_json::json;

const PATHS: [&str; 2] = ["/v1/chat/completions", "/v1/messages"];

#[track_caller]
fn assert_error(answer: &Answer, status: u16, code: &str, hint: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    let error = &answer.body["error"];
    assert_eq!(error["code"], code, "{answer:?}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(hint)), "{error}");
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_401_in_both_dialects() -> Result<()> {
    let server = TestServer::start().await?;
    let body = json!({"model": "builtin/echo", "max_tokens": 5, "messages": []});
    for path in PATHS {
        let answer = server.stranger().post(path, &body).await?;
        assert_error(&answer, 401, "missing_api_key", "Authorization: Bearer");
        let answer = server.stranger().with_key("bs-wrong").post(path, &body).await?;
        assert_error(&answer, 401, "invalid_api_key", "not known");
    }
    let answer = server.stranger().post("/v1/messages", &body).await?;
    assert_eq!(answer.body["type"], "error");
    assert_eq!(answer.body["error"]["type"], "authentication_error");
    server.stop().await
}

#[tokio::test]
async fn every_route_but_health_refuses_strangers() -> Result<()> {
    let server = TestServer::start().await?;
    let stranger = server.stranger();
    for path in [
        "/v1/models",
        "/v1/models/builtin/echo",
        "/backstay/v1/memories",
        "/backstay/v1/threads",
        "/backstay/v1/threads/thr_1",
        "/backstay/v1/threads/thr_1/messages",
        "/backstay/v1/documents",
        "/backstay/v1/documents/doc_1",
        "/backstay/v1/documents/doc_1/content",
        "/backstay/v1/generations",
        "/backstay/v1/generations/gen_1",
        "/backstay/v1/models",
        "/backstay/v1/prices?model=builtin/echo",
        "/api/v1/models",
        "/api/v1/models/user",
        "/api/v1/models/count",
        "/api/v1/models/acme/large-2/endpoints",
        "/api/v1/model/acme/large-2",
        "/api/v1/embeddings/models",
        "/api/v1/endpoints/zdr",
        "/api/v1/providers",
        "/backstay/v1/status",
        "/v1/responses/resp_1",
        "/v1/responses/resp_1/input_items",
    ] {
        assert_eq!(stranger.get(path).await?.status.as_u16(), 401, "{path}");
    }
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/embeddings",
        "/v1/completions",
        "/v1/responses",
        "/api/v1/chat/completions",
        "/api/v1/completions",
        "/api/v1/responses",
        "/api/v1/messages",
        "/api/v1/embeddings",
        "/backstay/v1/conversations",
        "/backstay/v1/memories/search",
        "/backstay/v1/memories/forget",
        "/backstay/v1/models/refresh",
    ] {
        assert_eq!(stranger.post(path, &json!({})).await?.status.as_u16(), 401, "{path}");
    }
    assert_eq!(stranger.delete("/backstay/v1/threads/thr_1").await?.status.as_u16(), 401);
    server.stop().await
}

#[tokio::test]
async fn bad_json_is_told_apart_from_a_bad_request() -> Result<()> {
    let server = TestServer::start().await?;
    for path in PATHS {
        let answer = server.member().post_text(path, "{\"model\": ").await?;
        assert_error(&answer, 400, "invalid_json", "");
        let answer =
            server.member().post(path, &json!({"model": "builtin/echo", "max_tokens": 5})).await?;
        assert_error(&answer, 400, "invalid_request", "messages");
    }
    server.stop().await
}

#[tokio::test]
async fn an_unknown_model_comes_with_the_nearest_names() -> Result<()> {
    let server = TestServer::start().await?;
    let answer = server.member().chat("builtin/recal", "hi", json!({})).await?;
    assert_eq!(answer.status.as_u16(), 404);
    let answer = server.member().chat("sim-ech", "hi", json!({})).await?;
    assert_error(&answer, 404, "model_not_found", "sim-echo");
    let answer = server.member().message("sim-ech", "hi", json!({})).await?;
    assert_eq!(answer.body["error"]["type"], "not_found_error");
    server.stop().await
}

#[tokio::test]
async fn too_large_a_body_is_413_with_the_limit_stated() -> Result<()> {
    let server = TestServer::builder().config("[server]\nbody_bytes_max = 1000").start().await?;
    for path in PATHS {
        let answer = server.member().post_text(path, "x".repeat(2_000)).await?;
        assert_error(&answer, 413, "body_too_large", "1000 bytes");
    }
    server.stop().await
}

#[tokio::test]
async fn content_that_no_translation_can_carry_is_named() -> Result<()> {
    let server = TestServer::start().await?;
    let body = json!({"model": "anthropic/sim-echo", "messages": [
        {"role": "user", "content": [{"type": "hologram", "hologram": {}}]},
    ]});
    let answer = server.member().post("/v1/chat/completions", &body).await?;
    assert_error(&answer, 400, "unsupported_content", "hologram");
    server.stop().await
}

#[tokio::test]
async fn a_mistake_in_the_extension_names_what_is_allowed() -> Result<()> {
    let server = TestServer::start().await?;
    let answer = server.member().chat("builtin/echo", "hi", json!({"treadh": "new"})).await?;
    assert_error(&answer, 400, "invalid_request", "thread");
    let answer = server.member().chat("builtin/echo", "hi", json!({"thread": "thr_gone"})).await?;
    assert_error(&answer, 404, "not_found", "thr_gone");
    server.stop().await
}

#[tokio::test]
async fn what_a_provider_refuses_is_said_in_the_client_s_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    let cases = [
        ("401", 502, "upstream_authentication"),
        ("429-retry-after-7", 429, "upstream_rate_limited"),
    ];
    for (fault, status, code) in cases {
        for provider in backstay_testing::UPSTREAMS {
            let model = format!("{provider}/sim-echo!{fault}");
            let answer = server.member().chat(&model, "hi", json!({})).await?;
            assert_error(&answer, status, code, provider);
            assert!(!answer.body.to_string().contains("sk-upstream-secret"));
            if status == 429 {
                assert_eq!(answer.headers["retry-after"], "7");
            }
        }
    }
    server.stop().await
}

#[tokio::test]
async fn unknown_paths_and_methods_are_explained() -> Result<()> {
    let server = TestServer::start().await?;
    let answer = server.member().get("/v1/nothing").await?;
    assert_error(&answer, 404, "not_found", "/v1/nothing");
    let answer = server.member().get("/v1/chat/completions").await?;
    assert_error(&answer, 405, "method_not_allowed", "GET");
    server.stop().await
}
