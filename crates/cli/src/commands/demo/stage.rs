//! What the demo plays on: a server, a simulated upstream where no real one is, and a key.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use backstay_core::{Clock, Random};
use backstay_providers::{Environment, from_environment};
use backstay_server::{
    Config, DocumentReader, Server, ServerOptions, telemetry::LogFormat, telemetry::start_logs,
};
use upstream_sim::Sim;

pub(crate) struct Stage {
    server: Server,
    sim: Option<Sim>,
    pub(crate) key: String,
    pub(crate) models: [String; 2],
    pub(crate) data: PathBuf,
}

/// A simulated model that quotes what its prompt holds, through Anthropic's wire format, so that the
/// demo crosses dialects: OpenAI in, Anthropic out.
const SIMULATED: &str = "simulated/sim-quote";

impl Stage {
    pub(crate) async fn set(listen: SocketAddr, data: &Path, model: Option<&str>) -> Result<Self> {
        start_logs(LogFormat::Text, "error");
        let environment = Environment::of_process();
        let real = from_environment(&environment)?;
        let sim = match (model, real.is_empty()) {
            (None, true) => Some(Sim::start(upstream_sim::Options::default()).await?),
            _ => None,
        };
        let second = match (model, &sim) {
            (Some(model), _) => model.to_owned(),
            (None, Some(_)) => SIMULATED.to_owned(),
            (None, None) => default_model(&real[0].id),
        };
        let mut config = match &sim {
            Some(sim) => Config::parse(&simulated_provider(&sim.base_url()))?,
            None => Config::default(),
        };
        config.server.listen = listen;
        config.server.data = data.to_owned();
        let key = kept_key(data)?;
        let environment = environment.with("BACKSTAY_BOOTSTRAP_KEY", &key);
        let server = Server::start(ServerOptions {
            config,
            environment,
            clock: Clock::System,
            random: Random::System,
            metrics: None,
            reader: DocumentReader::ThisProgram,
        })
        .await
        .context("the demo's server did not start; choose another port with ARGS='--listen 127.0.0.1:PORT'")?;
        let models = ["builtin/recall".to_owned(), second];
        Ok(Self { server, sim, key, models, data: data.to_owned() })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.sim.is_some()
    }

    pub(crate) async fn clear(self) -> Result<()> {
        self.server.stop().await?;
        if let Some(sim) = self.sim {
            sim.shutdown().await;
        }
        Ok(())
    }
}

fn simulated_provider(base_url: &str) -> String {
    format!(
        "[[providers]]\nid = \"simulated\"\nname = \"Simulated upstream\"\nformat = \"anthropic\"\n\
         base_url = \"{base_url}\"\napi_key = \"sk-simulated\"\n\
         [[providers.models]]\nid = \"sim-quote\"\n\
         price = {{ prompt = \"0.000003\", completion = \"0.000015\" }}\n"
    )
}

/// A small, cheap model of each provider that is common enough to name.
fn default_model(provider: &str) -> String {
    let model = match provider {
        "openai" => "gpt-4o-mini",
        "anthropic" => "claude-3-5-haiku-latest",
        "gemini" => "gemini-2.0-flash",
        "openrouter" => "openai/gpt-4o-mini",
        "groq" => "llama-3.1-8b-instant",
        "mistral" => "mistral-small-latest",
        "deepseek" => "deepseek-chat",
        _ => "default",
    };
    format!("{provider}/{model}")
}

/// The demo's key, kept beside its data and readable by its owner only, so that the calls it prints
/// go on working after a second run.
fn kept_key(data: &Path) -> Result<String> {
    let path = data.join("demo-key");
    if let Ok(key) = std::fs::read_to_string(&path) {
        return Ok(key.trim().to_owned());
    }
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let mut bytes = [0; 24];
    Random::System.fill(&mut bytes)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("bs-demo-{digits}");
    write_private(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
