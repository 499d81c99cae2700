//! The web as tools of models: a search service and pages at the scripted upstream.

use anyhow::Result;
use backstay_core::chat::ToolCall;
use backstay_engine::{READ_WEB_PAGE_TOOL, WEB_SEARCH_TOOL, WebAnswer};
use backstay_testing::TestServer;
use serde_json::json;

const SECTION: &str = "[web_search]
service = \"searxng\"
base_url = \"{sim}/searxng\"
allowed_addresses = [\"127.0.0.1\"]";

fn call(name: &str, arguments: serde_json::Value) -> ToolCall {
    ToolCall {
        id: "call_1".to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_string(),
        signature: None,
    }
}

async fn search(server: &TestServer, arguments: serde_json::Value) -> Result<WebAnswer> {
    let context = server.context().await?;
    let call = call(WEB_SEARCH_TOOL, arguments);
    Ok(server.engine().call_web_search(&context, &call).await)
}

async fn read(server: &TestServer, url: &str) -> WebAnswer {
    server.engine().call_read_web_page(&call(READ_WEB_PAGE_TOOL, json!({"url": url}))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_searches_and_reads_what_it_found() -> Result<()> {
    let server = TestServer::builder().config(SECTION).start().await?;
    let found = search(&server, json!({"query": "house boats"})).await?;
    assert!(!found.is_error, "{found:?}");
    let url = format!("{}/pages/house-boats-1", server.sim.base_url());
    let line = format!("[1] Page 1 about house boats ({url}, published 2026-01-02)");
    assert!(found.text.starts_with("<web_results>") && found.text.contains(&line), "{found:?}");

    let page = read(&server, &url).await;
    assert!(!page.is_error, "{page:?}");
    let said = "About house boats 1\n\nThe whole page says of house boats 1";
    assert!(page.text.contains(said), "{page:?}");
    assert!(!page.text.contains("not to be read"), "scripts are no text: {page:?}");
    assert!(page.text.ends_with("</web_page>"), "{page:?}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_to_the_model() -> Result<()> {
    let server = TestServer::builder().config(SECTION).start().await?;
    let wrong = search(&server, json!({"q": 1})).await?;
    assert!(wrong.is_error && wrong.text.contains("`query`"), "{wrong:?}");
    let inside = read(&server, "http://169.254.169.254/latest/meta-data/").await;
    assert!(inside.is_error && inside.text.contains("not a public address"), "{inside:?}");
    let absent = read(&server, &format!("{}/absent", server.sim.base_url())).await;
    assert!(absent.is_error && absent.text.contains("404"), "{absent:?}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_there_is_no_web() -> Result<()> {
    let server = TestServer::start().await?;
    assert!(server.engine().web().is_none());
    let found = search(&server, json!({"query": "boats"})).await?;
    assert!(found.is_error && found.text.contains("[web_search]"), "{found:?}");
    server.stop().await
}
