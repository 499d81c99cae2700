//! `run`: starts every server, has them measured, prints the result, ends them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::cell::Target;
use crate::process::Server;
use crate::rounds::{self, Schedule, Servers};
use crate::{backstay, report};

#[derive(Args)]
pub(crate) struct RunOptions {
    /// The Backstay binary to measure [default: `backstay` next to this program]
    #[arg(long, value_name = "PATH", conflicts_with = "without_backstay")]
    backstay: Option<PathBuf>,
    /// Measure the floors alone
    #[arg(long)]
    without_backstay: bool,
    #[command(flatten)]
    schedule: Schedule,
    /// Print the raw figures of every window as JSON instead of the tables
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: RunOptions) -> anyhow::Result<()> {
    // Returning drops the servers, which ends their processes.
    tokio::select! {
        done = measure_and_print(options) => done,
        stopped = asked_to_stop() => {
            stopped.context("cannot wait for signals")?;
            bail!("stopped before the end: nothing was measured")
        }
    }
}

/// Ctrl-C and, where there is one, the signal that `kill` and `timeout` send.
async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

async fn measure_and_print(options: RunOptions) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let servers = start_servers(&options, folder.path()).await?;
    let record = rounds::measure(&options.schedule, &servers).await?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&record)?);
    } else {
        println!("{}", report::markdown(&record));
    }
    let incomplete = record.windows.iter().filter(|window| window.figures.failed > 0).count();
    ensure!(incomplete == 0, "{incomplete} windows saw incomplete answers; their figures are void");
    Ok(())
}

async fn start_servers(options: &RunOptions, folder: &Path) -> anyhow::Result<Servers> {
    let binary = if options.without_backstay {
        None
    } else {
        Some(backstay::find_binary(options.backstay.clone())?)
    };
    let upstream = Server::start_own("upstream", None, folder).await?;
    let behind: Option<SocketAddr> = Some(upstream.address);
    let mut servers = vec![
        (Target::FloorHyper, Server::start_own("floor-hyper", behind, folder).await?),
        (Target::FloorAxum, Server::start_own("floor-axum", behind, folder).await?),
    ];
    if let Some(binary) = binary {
        eprintln!("measuring {}", binary.display());
        servers.push((Target::Backstay, backstay::start(&binary, upstream.address, folder).await?));
    }
    servers.insert(0, (Target::Direct, upstream));
    Ok(servers)
}
