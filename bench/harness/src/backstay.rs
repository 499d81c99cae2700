//! Starts the Backstay server under test: its defaults, with the mock model as its only provider.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::canned;
use crate::cell::Target;
use crate::chat_api::ChatApi;
use crate::endpoint::READY_PATH;
use crate::process::{Listening, Process, free_address};
use crate::server::Server;

const API_KEY: &str = "bs-0123456789abcdefghijklmnopqrstuvwxyz0123";

/// The binary to measure: the one given, or the one next to this program.
pub fn find_binary(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let path = match given {
        Some(path) => path,
        None => std::env::current_exe()?
            .with_file_name(format!("backstay{}", std::env::consts::EXE_SUFFIX)),
    };
    ensure!(
        path.is_file(),
        "there is no Backstay at {}. Build it with `cargo build --release -p backstay-cli`, name \
         another with --backstay PATH, or measure the floors alone with --without-backstay",
        path.display()
    );
    Ok(path)
}

pub async fn start(binary: &Path, upstream: SocketAddr, folder: &Path) -> anyhow::Result<Server> {
    let address = free_address()?;
    let config = folder.join("backstay.toml");
    fs::write(&config, configuration(upstream)).context("cannot write the configuration")?;
    let mut command = Command::new(binary);
    command
        .args(["serve", "--listen", &address.to_string()])
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--config")
        .arg(&config)
        // Provider keys, proxies and settings of the person who measures must not change the result.
        .env_clear()
        .env("HOME", folder)
        .env("BACKSTAY_BOOTSTRAP_KEY", API_KEY);
    // A server without the embedding model that people have would be lighter than theirs.
    if let Some(models) = installed_models() {
        command.env("BACKSTAY_MODELS", models);
    }
    let listening = Listening::At(address, READY_PATH);
    let process = Process::start("backstay", command, listening, folder).await?;
    Ok(Server { target: Target::Backstay, chat: ChatApi::openai(address, API_KEY), process })
}

/// Where `make models` and `backstay models pull` install the embedding model, if it is there.
fn installed_models() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
    Some(cache.join("backstay").join("models")).filter(|folder| folder.is_dir())
}

fn configuration(upstream: SocketAddr) -> String {
    format!(
        r#"[[providers]]
id = "bench"
format = "openai"
base_url = "http://{upstream}/v1"
api_key = "{key}"

[[providers.models]]
id = "{model}"
price = {{ prompt = "0.000001", completion = "0.000002" }}

[discovery]
enabled = false
"#,
        key = canned::UPSTREAM_KEY,
        model = canned::UPSTREAM_MODEL,
    )
}
