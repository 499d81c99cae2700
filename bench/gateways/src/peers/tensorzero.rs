//! TensorZero: the Rust gateway inside its Python package, which is the same server as in its
//! container.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use bench_harness::canned;
use bench_harness::chat_api::ChatApi;
use bench_harness::process::{Listening, Process};

use super::command;
use crate::install::Cache;

pub(super) const TITLE: &str = "TensorZero 2026.6.0";

const LOCK: &str = include_str!("../../peers/tensorzero.lock");
const LAUNCHER: &str = include_str!("../../peers/serve_tensorzero.py");

pub(super) async fn start(
    cache: &Cache,
    upstream: SocketAddr,
    folder: &Path,
) -> anyhow::Result<(ChatApi, Process)> {
    let python = cache.python("tensorzero", LOCK).await?;
    let launcher = folder.join("serve_tensorzero.py");
    let config = folder.join("tensorzero.toml");
    fs::write(&launcher, LAUNCHER)
        .and_then(|()| fs::write(&config, configuration(upstream)))
        .context("cannot write TensorZero's configuration")?;
    let mut command = command(python, folder);
    command
        .arg(launcher)
        .arg(config)
        .env("TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS", "1")
        .env("BENCH_UPSTREAM_KEY", canned::UPSTREAM_KEY);
    let process = Process::start("tensorzero", command, Listening::Printed, folder).await?;
    let chat = ChatApi {
        path: "/openai/v1/chat/completions",
        model: "tensorzero::model_name::bench-model",
        ..ChatApi::openai(process.address, "not-checked")
    };
    Ok((chat, process))
}

/// Observability needs ClickHouse or PostgreSQL and is off, as for all peers without a database.
fn configuration(upstream: SocketAddr) -> String {
    format!(
        r#"[gateway]
observability.enabled = false

[models.bench-model]
routing = ["bench"]

[models.bench-model.providers.bench]
type = "openai"
api_base = "http://{upstream}/v1/"
model_name = "{model}"
api_key_location = "env::BENCH_UPSTREAM_KEY"
"#,
        model = canned::UPSTREAM_MODEL,
    )
}
