//! The order of measurement: all servers in turn inside every round, so that noise of the machine
//! hits all alike.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use backstay_core::Clock;
use clap::Args;

use crate::cell::{Cell, Shape};
use crate::load::{Load, WindowFigures, parse_seconds};
use crate::machine::Machine;
use crate::process_usage;
use crate::record::{LostWindow, Memory, Record, Window};
use crate::server::Server;

const CONNECTIONS: [usize; 2] = [1, 32];
/// Work that a server does after its answer, such as writing the ledger, is charged to the window
/// that caused it: the next begins when a step passes without CPU time.
const SETTLE_STEP: Duration = Duration::from_millis(50);
const SETTLE_STEPS_LIMIT: usize = 20;

#[derive(Args)]
pub struct Schedule {
    /// How often every server is measured; ratios are taken inside a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Length of each window; a round has one for every server, kind of answer and concurrency
    #[arg(long, default_value = "2", value_parser = parse_seconds)]
    seconds: Duration,
    /// Length of the windows before the first round, which do not count
    #[arg(long, default_value = "1", value_parser = parse_seconds)]
    warm_up: Duration,
}

/// What is measured of every server, in this order.
pub fn cells(shapes: &[Shape]) -> Vec<Cell> {
    let of_shape =
        |shape: &Shape| CONNECTIONS.map(|connections| Cell { shape: *shape, connections });
    shapes.iter().flat_map(of_shape).collect()
}

/// Memory of servers that nobody has called.
pub fn idle_memory(servers: &[Server]) -> Vec<Memory> {
    let of_server = |server: &Server| Memory {
        target: server.target,
        idle_resident_kib: process_usage::resident_kib(server.process.id()),
        peak_resident_kib: None,
    };
    servers.iter().map(of_server).collect()
}

impl Schedule {
    /// Windows that do not count. The error says in what way the server does not answer as the
    /// mock model does.
    pub async fn warm_up(&self, server: &Server, shapes: &[Shape]) -> anyhow::Result<()> {
        for cell in cells(shapes) {
            let (figures, _) = window(server, cell, self.warm_up).await?;
            ensure!(
                figures.failed == 0,
                "{} did not answer {cell} as the mock model does: {}; {}",
                server.target.name(),
                figures.first_failure.unwrap_or_default(),
                server.process.log_tail()
            );
        }
        Ok(())
    }

    /// `idle` is what [`idle_memory`] said of servers that are measured here and perhaps of others,
    /// which are left out.
    pub async fn measure(&self, servers: &[Server], shapes: &[Shape], idle: Vec<Memory>) -> Record {
        let mut record = Record {
            date: Clock::System.now().date(),
            machine: Machine::look(),
            rounds: self.rounds,
            window_s: self.seconds.as_secs_f64(),
            windows: Vec::new(),
            lost: Vec::new(),
            memory: Vec::new(),
        };
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            for cell in cells(shapes) {
                for position in 0..servers.len() {
                    // Nobody is always first, or always behind the same neighbour's leftovers.
                    let server = &servers[(position + round as usize) % servers.len()];
                    let target = server.target;
                    match window(server, cell, self.seconds).await {
                        Ok((figures, cpu_us_per_request)) => record.windows.push(Window {
                            round,
                            target,
                            cell,
                            figures,
                            cpu_us_per_request,
                        }),
                        Err(error) => record.lost.push(LostWindow {
                            round,
                            target,
                            cell,
                            reason: format!("{error:#}"),
                        }),
                    }
                }
            }
        }
        record.machine.look_again();
        record.memory = idle
            .into_iter()
            .filter_map(|memory| {
                let server = servers.iter().find(|server| server.target == memory.target)?;
                let peak_resident_kib = process_usage::peak_resident_kib(server.process.id());
                Some(Memory { peak_resident_kib, ..memory })
            })
            .collect();
        record
    }
}

/// Figures and CPU microseconds per request of one window.
async fn window(
    server: &Server,
    cell: Cell,
    length: Duration,
) -> anyhow::Result<(WindowFigures, Option<f64>)> {
    let id = server.process.id();
    let load = Load::open(&server.chat, cell).await?;
    let before = process_usage::cpu_time(id);
    let figures = load.run(length).await.with_context(|| {
        format!("{}: {cell} gave no figures; {}", server.target.name(), server.process.log_tail())
    })?;
    let after = settled_cpu_time(id).await;
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
