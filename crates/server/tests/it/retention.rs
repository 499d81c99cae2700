//! What a configuration does not keep is gone at the next start, or within the hour.

use anyhow::Result;
use backstay_core::WorkspaceId;
use backstay_testing::TestServer;
use serde_json::json;

const TWO_MONTHS_MS: i64 = 62 * 24 * 60 * 60 * 1_000;

#[tokio::test]
async fn a_server_drops_what_is_past_its_retention() -> Result<()> {
    let server = TestServer::builder()
        .config("[retention]\nledger_days = 30\nepisodes_days = 30")
        .start()
        .await?;
    let member = server.member();
    let scope = json!({"assistant": "helper", "user": "anna"});
    member.chat("openai/sim-echo", "I live in Ghent", scope.clone()).await?;
    server.clock.advance_ms(TWO_MONTHS_MS);
    let newer = member.chat("openai/sim-echo", "I have a dog", scope).await?;
    let server = server.restart().await?;

    let store = server.engine().store().workspace(&WorkspaceId::default_workspace());
    loop {
        let turns: Vec<u64> = store.scopes().await?.into_iter().map(|(_, count)| count).collect();
        let calls = server.member().get("/backstay/v1/generations").await?.body;
        if turns == [2] && calls["data"].as_array().is_some_and(|calls| calls.len() == 1) {
            assert_eq!(calls["data"][0]["id"], newer.body["backstay"]["generation"]);
            return server.stop().await;
        }
    }
}
