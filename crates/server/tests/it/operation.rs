//! What operators and balancers rely on.

use anyhow::Result;
use backstay_testing::TestServer;

#[tokio::test]
async fn health_and_readiness_need_no_key() -> Result<()> {
    let server = TestServer::start().await?;
    assert_eq!(server.stranger().get("/health").await?.body["status"], "ok");
    assert_eq!(server.stranger().get("/ready").await?.body["status"], "ready");
    server.stop().await
}

#[tokio::test]
async fn a_request_id_is_returned_and_a_well_formed_one_is_kept() -> Result<()> {
    let server = TestServer::start().await?;
    let answer = server.member().get("/v1/models").await?;
    assert!(answer.headers["x-request-id"].to_str()?.starts_with("req_"));
    let mine = server.member().with_header("x-request-id", "req_from-my-proxy-1");
    assert_eq!(mine.get("/v1/models").await?.headers["x-request-id"], "req_from-my-proxy-1");
    let odd = server.member().with_header("x-request-id", "something else");
    assert_ne!(odd.get("/v1/models").await?.headers["x-request-id"], "something else");
    server.stop().await
}

#[tokio::test]
async fn models_are_listed_in_the_shape_of_the_client_s_dialect() -> Result<()> {
    let server = TestServer::start().await?;
    let models = server.member().get("/v1/models").await?.body;
    assert_eq!(models["object"], "list");
    let ids: Vec<&str> =
        models["data"].as_array().unwrap().iter().filter_map(|m| m["id"].as_str()).collect();
    assert!(ids.contains(&"openai/sim-echo"), "{ids:?}");
    let one = server.member().get("/v1/models/openai/sim-echo").await?.body;
    assert_eq!(one["object"], "model");
    let anthropic = server.member().with_header("anthropic-version", "2023-06-01");
    let models = anthropic.get("/v1/models").await?.body;
    assert_eq!(models["data"][0]["type"], "model");
    assert_eq!(models["has_more"], false);
    server.stop().await
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_folder() -> Result<()> {
    use backstay_core::{Clock, Random};
    use backstay_providers::Environment;
    use backstay_server::{Config, DocumentReader, Server, ServerOptions};
    let data = tempfile::tempdir()?;
    let start = || {
        let mut config = Config::parse("[discovery]\nenabled = false")?;
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.data = data.path().to_owned();
        let options = ServerOptions {
            config,
            environment: Environment::default(),
            clock: Clock::System,
            random: Random::System,
            metrics: None,
            reader: DocumentReader::InThisProcess,
        };
        Ok::<_, anyhow::Error>(Server::start(options))
    };
    let first = start()?.await?;
    let error = start()?.await.err().expect("the folder is in use");
    assert!(error.message().contains("another"), "{error}");
    first.stop().await?;
    start()?.await?.stop().await?;
    Ok(())
}
