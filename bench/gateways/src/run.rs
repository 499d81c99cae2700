//! `run`: installs the peers, starts every server, has them measured, prints the result, ends them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use bench_harness::cell::Shape;
use bench_harness::record::Memory;
use bench_harness::rounds::{Schedule, idle_memory};
use bench_harness::{Server, backstay, floors, or_stopped};
use clap::Args;

use crate::install::Cache;
use crate::peers::PeerName;
use crate::results::{Peer, Results};
use crate::show::Form;

#[derive(Args)]
pub(crate) struct RunOptions {
    /// The Backstay binary to measure [default: `backstay` next to this program]
    #[arg(long, value_name = "PATH")]
    backstay: Option<PathBuf>,
    /// Which peers to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = PeerName::ALL)]
    peers: Vec<PeerName>,
    /// Folder that the peers are installed in [default: backstay/bench-peers in the user's cache]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    schedule: Schedule,
    #[command(flatten)]
    form: Form,
    /// Also write the raw figures to this file, for `report`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

pub(crate) async fn run(options: RunOptions) -> anyhow::Result<()> {
    or_stopped(measure_and_print(options)).await
}

async fn measure_and_print(options: RunOptions) -> anyhow::Result<()> {
    let binary = backstay::find_binary(options.backstay.clone())?;
    let version = version(&binary)?;
    let cache = Cache::open(options.cache.clone())?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut servers = floors(folder.path()).await?;
    let upstream = servers[0].chat.address;
    eprintln!("measuring {} ({version})", binary.display());
    servers.push(backstay::start(&binary, upstream, folder.path()).await?);
    let mut idle = idle_memory(&servers);
    eprintln!("warming up");
    for server in &servers {
        options.schedule.warm_up(server, &Shape::ALL).await?;
    }
    let mut peers = Vec::new();
    for name in &options.peers {
        let ready = ready_peer(*name, &options.schedule, &cache, upstream, folder.path()).await;
        let absent = match ready {
            Ok((server, memory)) => {
                servers.push(server);
                idle.extend(memory);
                None
            }
            Err(error) => {
                eprintln!("{} is left out: {error:#}", name.title());
                Some(format!("{error:#}"))
            }
        };
        peers.push(Peer { target: name.target(), title: name.title().to_owned(), absent });
    }
    let record = options.schedule.measure(&servers, &Shape::ALL, idle).await;
    let results = Results { backstay: version, peers, record };
    if let Some(path) = &options.save {
        fs::write(path, serde_json::to_string_pretty(&results)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    options.form.print(&results)?;
    // A peer that fails under load is a finding about the peer; the tables name it.
    let own_faults = results.record.faults(|target| !target.is_peer()).len();
    ensure!(own_faults == 0, "{own_faults} windows of ours saw incomplete answers; see above");
    Ok(())
}

/// Installs, starts and warms up a peer. What it says of itself before its first call comes along.
async fn ready_peer(
    name: PeerName,
    schedule: &Schedule,
    cache: &Cache,
    upstream: SocketAddr,
    folder: &Path,
) -> anyhow::Result<(Server, Vec<Memory>)> {
    eprintln!("preparing {}", name.title());
    let server = name.start(cache, upstream, folder).await?;
    let idle = idle_memory(std::slice::from_ref(&server));
    schedule.warm_up(&server, &Shape::ALL).await?;
    Ok((server, idle))
}

fn version(binary: &Path) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    ensure!(output.status.success(), "{} --version failed", binary.display());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
