//! `backstay serve`: runs the server until it is told to stop.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use backstay_core::{Clock, Random};
use backstay_engine::BootstrapKey;
use backstay_providers::Environment;
use backstay_server::{
    Config, DocumentReader, Server, ServerOptions, StoreUrl,
    telemetry::{LogFormat, Metrics, start_logs},
};
use clap::{Args, ValueEnum};

use crate::output::Output;

/// Run the server.
///
/// With no configuration at all it listens on 127.0.0.1:7460, keeps its data under ./data, takes
/// provider keys from the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, OPENROUTER_API_KEY, …)
/// and finds model servers on this machine (Ollama, llama.cpp, vLLM, LM Studio).
#[derive(Args)]
pub(crate) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:7460].
    #[arg(long, env = "BACKSTAY_LISTEN")]
    listen: Option<SocketAddr>,
    /// Folder of the database and all else that must survive [default: ./data].
    #[arg(long, env = "BACKSTAY_DATA")]
    data: Option<PathBuf>,
    /// `postgres://USER@HOST/DATABASE` of a database that several servers may share, in place of the
    /// data folder; its password may be in BACKSTAY_STORE_PASSWORD.
    #[arg(long, value_name = "URL", env = "BACKSTAY_STORE_URL", hide_env_values = true)]
    store: Option<String>,
    /// Configuration file (TOML).
    #[arg(long, env = "BACKSTAY_CONFIG")]
    config: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, env = "BACKSTAY_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormatName,
    /// What is logged: `info`, `debug`, `backstay_engine=debug,info`.
    #[arg(long, env = "BACKSTAY_LOG", default_value = "info")]
    log: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormatName {
    Text,
    Json,
}

impl Serve {
    pub(crate) async fn run(self, output: Output) -> Result<ExitCode> {
        let format = match self.log_format {
            LogFormatName::Text => LogFormat::Text,
            LogFormatName::Json => LogFormat::Json,
        };
        start_logs(format, &self.log);
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if let Some(data) = self.data {
            config.server.data = data;
        }
        if let Some(url) = self.store {
            config.store.url = Some(StoreUrl::from(url));
        }
        let server = Server::start(ServerOptions {
            config,
            environment: Environment::of_process(),
            clock: Clock::System,
            random: Random::System,
            metrics: Some(Metrics::install()?),
            reader: DocumentReader::ThisProgram,
        })
        .await?;
        announce(&server, output);
        stop_signal().await?;
        output.note("stopping: open answers may end first");
        server.stop().await.context("the server did not stop cleanly")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn announce(server: &Server, output: Output) {
    let url = format!("http://{}", server.address);
    let models = server.engine.catalogue().models().len();
    output.note(&format!("Backstay listens on {url} ({models} models; GET /v1/models lists them)"));
    let BootstrapKey::Issued(issued) = &server.key else {
        return;
    };
    let shown = serde_json::json!({"url": url, "api_key": issued.key.expose()});
    output.show(&shown, |_| {
        format!(
            "\nYour API key, shown this once:\n\n    {key}\n\nTry it:\n\n    \
             curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\\n      \
             -H 'Content-Type: application/json' \\\n      \
             -d '{{\"model\": \"builtin/echo\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello\"}}]}}'\n",
            key = issued.key.expose(),
        )
    });
}

/// Ctrl-C, or a service manager's request to stop.
async fn stop_signal() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
        tokio::select! {
            outcome = tokio::signal::ctrl_c() => outcome.context("cannot wait for Ctrl-C")?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    Ok(())
}
