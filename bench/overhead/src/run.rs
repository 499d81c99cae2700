//! `run`: starts every server, has them measured, prints the result, ends them.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use bench_harness::backstay;
use bench_harness::cell::Shape;
use bench_harness::rounds::{Schedule, idle_memory};
use bench_harness::{floors, or_stopped};
use clap::Args;

use crate::report;

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
    or_stopped(measure_and_print(options)).await
}

async fn measure_and_print(options: RunOptions) -> anyhow::Result<()> {
    let binary = if options.without_backstay {
        None
    } else {
        Some(backstay::find_binary(options.backstay)?)
    };
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut servers = floors(folder.path()).await?;
    if let Some(binary) = binary {
        eprintln!("measuring {}", binary.display());
        let upstream = servers[0].chat.address;
        servers.push(backstay::start(&binary, upstream, folder.path()).await?);
    }
    let idle = idle_memory(&servers);
    eprintln!("warming up");
    for server in &servers {
        options.schedule.warm_up(server, &Shape::UNPACED).await?;
    }
    let record = options.schedule.measure(&servers, &Shape::UNPACED, idle).await;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&record)?);
    } else {
        println!("{}", report::markdown(&record));
    }
    let faults = record.faults(|_| true).len();
    ensure!(faults == 0, "{faults} windows saw incomplete answers; their figures are void");
    Ok(())
}
