//! A client without a key logs in: it shows a code, an operator approves, and it fetches a key once.

use anyhow::Result;
use backstay_testing::{Answer, TestServer};
use serde_json::{Value, json};

use super::text;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const INTERVAL_MS: i64 = 5_000;

async fn form(server: &TestServer, path: &str, fields: &str) -> Result<Answer> {
    let request = server.stranger().request(http::Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(fields.to_owned()).send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, body: response.json().await? })
}

async fn begin(server: &TestServer) -> Result<(String, String)> {
    let begun = form(server, "/api/oauth/device/code", "client_id=cli&scope=openid").await?.body;
    Ok((text(&begun, "device_code")?, text(&begun, "user_code")?))
}

async fn poll(server: &TestServer, device_code: &str) -> Result<Answer> {
    let fields = format!("grant_type={GRANT}&client_id=cli&device_code={device_code}");
    form(server, "/api/oauth/token", &fields).await
}

/// What a later question is refused with.
async fn refusal(server: &TestServer, device_code: &str) -> Result<String> {
    server.clock.advance_ms(INTERVAL_MS);
    let answer = poll(server, device_code).await?;
    assert_eq!(answer.status.as_u16(), 400, "{answer:?}");
    assert!(answer.body["error_description"].is_string(), "{answer:?}");
    text(&answer.body, "error")
}

async fn decide(server: &TestServer, code: &str, verb: &str, body: Value) -> Result<Answer> {
    let path = format!("/backstay/v1/device-logins/{code}/{verb}");
    server.member().post(&path, &body).await
}

#[tokio::test]
async fn a_device_waits_and_gets_its_key_once_an_operator_approves() -> Result<()> {
    let server = TestServer::start().await?;
    let begun = form(&server, "/api/oauth/device/code", "client_id=cli").await?;
    assert_eq!((&begun.body["expires_in"], &begun.body["interval"]), (&json!(600), &json!(5)));
    let (device, code) = (text(&begun.body, "device_code")?, text(&begun.body, "user_code")?);
    assert!(device.len() == 64 && code.len() == 9, "{device} {code}");
    let page = text(&begun.body, "verification_uri_complete")?;
    let page = page.strip_prefix(&server.url()).unwrap_or(&page).to_owned();
    let page = server.stranger().get_text(&page).await?;
    assert!(page.contains(&format!("backstay login approve {code}")), "{page}");
    assert_eq!(refusal(&server, &device).await?, "authorization_pending");
    let hurried = poll(&server, &device).await?;
    assert_eq!(hurried.body["error"], "slow_down");
    let approved = decide(&server, &code.to_lowercase(), "approve", json!({})).await?;
    assert_eq!(approved.body["approved"], json!(true), "{approved:?}");
    server.clock.advance_ms(INTERVAL_MS);
    let given = poll(&server, &device).await?;
    assert_eq!(given.status.as_u16(), 200, "{given:?}");
    assert_eq!(given.headers["cache-control"], "no-store");
    assert_eq!(given.body["token_type"], "Bearer");
    let key = text(&given.body, "access_token")?;
    assert_eq!(given.body["backboard_api_key"], json!(key));
    let device_client = server.stranger().with_key(&key);
    let about = device_client.get("/backstay/v1/key").await?.body;
    assert_eq!(about["scopes"], json!(["inference", "memory", "read"]));
    assert_eq!(device_client.get("/api/assistants").await?.status.as_u16(), 200);
    assert_eq!(refusal(&server, &device).await?, "invalid_grant");
    server.stop().await
}

#[tokio::test]
async fn a_login_is_denied_expires_and_is_decided_once_by_who_may_manage() -> Result<()> {
    let server = TestServer::start().await?;
    let (device, code) = begin(&server).await?;
    let weak = json!({"name": "w", "scopes": ["read"]});
    let weak = server.member().post("/backstay/v1/keys", &weak).await?.body;
    let weak = server.stranger().with_key(&text(&weak, "key")?);
    let path = format!("/backstay/v1/device-logins/{code}/approve");
    assert_eq!(weak.post(&path, &json!({})).await?.status.as_u16(), 403);
    assert_eq!(server.stranger().post(&path, &json!({})).await?.status.as_u16(), 401);
    let wrong = decide(&server, &code, "approve", json!({"name": "x\u{0}"})).await?;
    assert_eq!(wrong.status.as_u16(), 400, "{wrong:?}");
    assert_eq!(decide(&server, &code, "deny", json!({})).await?.status.as_u16(), 200);
    assert_eq!(decide(&server, &code, "approve", json!({})).await?.status.as_u16(), 404);
    assert_eq!(refusal(&server, &device).await?, "access_denied");
    let (device, code) = begin(&server).await?;
    server.clock.advance_ms(600_000);
    assert_eq!(decide(&server, &code, "approve", json!({})).await?.status.as_u16(), 404);
    assert_eq!(refusal(&server, &device).await?, "expired_token");
    assert_eq!(refusal(&server, "0123").await?, "invalid_grant");
    let other = form(&server, "/oauth/token", "grant_type=password").await?;
    assert_eq!(other.body["error"], "unsupported_grant_type", "{other:?}");
    server.stop().await
}

#[tokio::test]
async fn an_approved_login_is_fetched_from_any_server_and_by_one_of_two() -> Result<()> {
    let server = TestServer::builder().shared().start().await?;
    let other = server.another().await?;
    let (device, code) = begin(&server).await?;
    decide(&other, &code, "approve", json!({"name": "tablet", "scopes": ["inference"]})).await?;
    let (first, second) = tokio::join!(poll(&server, &device), poll(&other, &device));
    let mut statuses = [first?.status.as_u16(), second?.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let keys = server.member().get("/backstay/v1/keys").await?.body;
    let made = keys["data"].as_array().into_iter().flatten().filter(|key| key["name"] == "tablet");
    assert_eq!(made.count(), 1, "{keys}");
    other.stop().await?;
    server.stop().await
}

#[tokio::test]
async fn only_so_many_devices_wait_and_ask() -> Result<()> {
    let server = TestServer::start().await?;
    for _ in 0..100 {
        begin(&server).await?;
    }
    let refused = form(&server, "/api/oauth/device/code", "client_id=cli").await?;
    assert_eq!(refused.status.as_u16(), 429, "{refused:?}");
    assert_eq!(refused.body["error"], "slow_down");
    let mut statuses = Vec::new();
    for _ in 0..600 {
        statuses.push(poll(&server, "nothing").await?.status.as_u16());
    }
    assert_eq!(statuses.first(), Some(&400));
    assert_eq!(statuses.last(), Some(&429));
    server.stop().await
}
