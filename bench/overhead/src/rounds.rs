//! The order of measurement: all servers in turn inside every round, so that noise of the machine
//! hits all alike.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::cell::{Cell, Shape, Target};
use crate::load::{Load, WindowFigures, parse_seconds};
use crate::machine::Machine;
use crate::process::Server;
use crate::record::{PeakMemory, Record, Window};
use crate::{backstay, canned, process_usage};

const CONNECTIONS: [usize; 2] = [1, 32];
const WARM_UP: Duration = Duration::from_millis(300);
/// Work that a server does after its answer, such as writing the ledger, is charged to the window
/// that caused it: the next begins when a step passes without CPU time.
const SETTLE_STEP: Duration = Duration::from_millis(50);
const SETTLE_STEPS_LIMIT: usize = 20;

/// The mock model first, then those in front of it.
pub(crate) type Servers = Vec<(Target, Server)>;

#[derive(Args)]
pub(crate) struct Schedule {
    /// How often every server is measured; ratios are taken inside a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Length of each window; a round has one for every server, kind of answer and concurrency
    #[arg(long, default_value = "2", value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
}

pub(crate) async fn measure(schedule: &Schedule, servers: &Servers) -> anyhow::Result<Record> {
    let mut machine = Machine::look();
    let cells: Vec<Cell> = Shape::ALL
        .into_iter()
        .flat_map(|shape| CONNECTIONS.map(|connections| Cell { shape, connections }))
        .collect();
    eprintln!("warming up");
    for cell in &cells {
        for (target, server) in servers {
            let (figures, _) = window(*target, server, *cell, WARM_UP).await?;
            ensure!(
                figures.failed == 0,
                "{} did not answer as the mock model does: {}; {}",
                target.name(),
                figures.first_failure.unwrap_or_default(),
                server.log_tail()
            );
        }
    }
    let mut windows = Vec::new();
    for round in 0..schedule.rounds {
        eprintln!("round {} of {}", round + 1, schedule.rounds);
        for cell in &cells {
            for position in 0..servers.len() {
                // Nobody is always first, or always behind the same neighbour's leftovers.
                let (target, server) = &servers[(position + round as usize) % servers.len()];
                let (figures, cpu_us_per_request) =
                    window(*target, server, *cell, schedule.seconds).await?;
                windows.push(Window {
                    round,
                    target: *target,
                    cell: *cell,
                    figures,
                    cpu_us_per_request,
                });
            }
        }
    }
    machine.look_again();
    let memory = servers
        .iter()
        .map(|(target, server)| PeakMemory {
            target: *target,
            peak_resident_kib: process_usage::peak_resident_kib(server.id()),
        })
        .collect();
    let window_s = schedule.seconds.as_secs_f64();
    Ok(Record { machine, rounds: schedule.rounds, window_s, windows, memory })
}

/// Figures and CPU microseconds per request of one window.
async fn window(
    target: Target,
    server: &Server,
    cell: Cell,
    length: Duration,
) -> anyhow::Result<(WindowFigures, Option<f64>)> {
    let key = match target {
        Target::Backstay => backstay::API_KEY,
        Target::Direct | Target::FloorHyper | Target::FloorAxum => canned::UPSTREAM_KEY,
    };
    let load = Load::open(server.address, key, cell).await?;
    let before = process_usage::cpu_time(server.id());
    let figures = load.run(length).await.with_context(|| {
        format!("{}: {cell} gave no figures; {}", target.name(), server.log_tail())
    })?;
    let after = settled_cpu_time(server.id()).await;
    let spent = before.zip(after).and_then(|(before, after)| after.checked_sub(before));
    let per_request = spent.map(|spent| spent.as_secs_f64() * 1e6 / figures.completed as f64);
    Ok((figures, per_request))
}

async fn settled_cpu_time(process_id: u32) -> Option<Duration> {
    let mut last = process_usage::cpu_time(process_id)?;
    for _ in 0..SETTLE_STEPS_LIMIT {
        tokio::time::sleep(SETTLE_STEP).await;
        let now = process_usage::cpu_time(process_id)?;
        if now == last {
            break;
        }
        last = now;
    }
    Some(last)
}
