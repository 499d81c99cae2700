//! Providers without configuration: from keys in the environment and from servers on this machine.

use std::future::IntoFuture as _;

use anyhow::Result;
use axum::{Json, Router, routing::get};
use backstay_core::{Clock, Random};
use backstay_providers::Environment;
use backstay_server::{Config, DocumentReader, Server, ServerOptions};
use backstay_testing::sim::{Options, Sim};
use serde_json::json;

const KEY: &str = "sk-from-the-environment";

/// A model server of this machine: it lists its models and asks for no key.
async fn local_server() -> Result<String> {
    let models = || async { Json(json!({"object": "list", "data": [{"id": "llama3"}]})) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let router = Router::new().route("/v1/models", get(models));
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(url)
}

/// A server with nothing but an environment, in which every provider is the scripted upstream.
async fn start(sim: &Sim, data: &tempfile::TempDir) -> Result<Server> {
    let environment = Environment::default()
        .with("OPENAI_API_KEY", KEY)
        .with("OPENAI_BASE_URL", &format!("{}/v1", sim.base_url()))
        .with("ANTHROPIC_API_KEY", KEY)
        .with("ANTHROPIC_BASE_URL", &sim.base_url())
        .with("GEMINI_API_KEY", KEY)
        .with("GEMINI_BASE_URL", &format!("{}/v1beta", sim.base_url()))
        .with("OLLAMA_BASE_URL", &local_server().await?);
    let mut config = Config::parse("[memory]\nembedding = \"none\"")?;
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.server.data = data.path().to_owned();
    let options = ServerOptions {
        config,
        environment,
        clock: Clock::System,
        random: Random::System,
        metrics: None,
        reader: DocumentReader::InThisProcess,
    };
    Ok(Server::start(options).await?)
}

#[tokio::test]
async fn keys_in_the_environment_and_a_local_server_become_providers_with_their_models()
-> Result<()> {
    let (sim, data) = (Sim::start(Options::default()).await?, tempfile::tempdir()?);
    let server = start(&sim, &data).await?;
    let ids: Vec<String> =
        server.engine.catalogue().models().iter().map(|model| model.id.clone()).collect();
    for model in ["openai/sim-echo", "anthropic/sim-echo", "gemini/sim-echo", "ollama/llama3"] {
        assert!(ids.iter().any(|id| id == model), "{model}: {ids:?}");
    }
    server.stop().await?;
    sim.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_name_that_one_provider_lists_needs_no_prefix() -> Result<()> {
    let (sim, data) = (Sim::start(Options::default()).await?, tempfile::tempdir()?);
    let server = start(&sim, &data).await?;
    let endpoints = server.engine.catalogue().resolve("sim-echo")?.endpoints;
    assert_eq!(endpoints[0].name(), "openai/sim-echo");
    server.stop().await?;
    sim.shutdown().await;
    Ok(())
}
