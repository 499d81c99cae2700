//! LiteLLM's proxy: one worker, a master key, no database and no callbacks.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use bench_harness::canned;
use bench_harness::chat_api::ChatApi;
use bench_harness::process::{Listening, Process, free_address};

use super::command;
use crate::install::Cache;

/// Releases before and after this one were poisoned (1.82.7, 1.82.8, 1.107.0): never unpinned.
pub(super) const TITLE: &str = "LiteLLM 1.106.2";

const LOCK: &str = include_str!("../../peers/litellm.lock");
const MASTER_KEY: &str = "sk-bench-0123456789";

pub(super) async fn start(
    cache: &Cache,
    upstream: SocketAddr,
    folder: &Path,
) -> anyhow::Result<(ChatApi, Process)> {
    let python = cache.python("litellm", LOCK).await?;
    let config = folder.join("litellm.yaml");
    fs::write(&config, configuration(upstream)).context("cannot write LiteLLM's configuration")?;
    let address = free_address()?;
    let mut command = command(&python, folder);
    command
        .arg(python.with_file_name("litellm"))
        .arg("--config")
        .arg(config)
        .args(["--host", "127.0.0.1", "--num_workers", "1"])
        .args(["--port", &address.port().to_string()])
        // Otherwise it fetches its price list when it starts.
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR");
    let listening = Listening::At(address, "/health/liveliness");
    let process = Process::start("litellm", command, listening, folder).await?;
    Ok((ChatApi::openai(address, MASTER_KEY), process))
}

fn configuration(upstream: SocketAddr) -> String {
    format!(
        r#"model_list:
  - model_name: {client_model}
    litellm_params:
      model: openai/{upstream_model}
      api_base: http://{upstream}/v1
      api_key: {key}
general_settings:
  master_key: {MASTER_KEY}
"#,
        client_model = canned::CLIENT_MODEL,
        upstream_model = canned::UPSTREAM_MODEL,
        key = canned::UPSTREAM_KEY,
    )
}
