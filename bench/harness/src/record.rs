//! The raw figures of a run: what `--json` prints and the tables are made of.

use serde::{Deserialize, Serialize};

use crate::cell::{Cell, Target};
use crate::load::WindowFigures;
use crate::machine::Machine;

#[derive(Debug, Serialize, Deserialize)]
pub struct Window {
    pub round: u32,
    pub target: Target,
    #[serde(flatten)]
    pub cell: Cell,
    #[serde(flatten)]
    pub figures: WindowFigures,
    /// CPU time of the target's processes for each completed request; `None` where the operating
    /// system does not show it.
    pub cpu_us_per_request: Option<f64>,
}

/// A window in which not one answer was complete, so that it has no figures.
#[derive(Debug, Serialize, Deserialize)]
pub struct LostWindow {
    pub round: u32,
    pub target: Target,
    #[serde(flatten)]
    pub cell: Cell,
    pub reason: String,
}

/// Resident memory of a server and of all that it started; `None` where the operating system does
/// not show it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Memory {
    pub target: Target,
    /// After its start, before its first call.
    pub idle_resident_kib: Option<u64>,
    /// The most over the whole run.
    pub peak_resident_kib: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The day it began, UTC, such as `2026-11-28`.
    pub date: String,
    pub machine: Machine,
    pub rounds: u32,
    pub window_s: f64,
    pub windows: Vec<Window>,
    pub lost: Vec<LostWindow>,
    /// One for each server, in the order in which tables show them.
    pub memory: Vec<Memory>,
}

impl Record {
    /// What makes figures of a target void, a line each; empty when every answer was complete.
    pub fn faults(&self, of: impl Fn(Target) -> bool) -> Vec<String> {
        let incomplete = self.windows.iter().filter(|window| window.figures.failed > 0);
        let incomplete = incomplete.filter(|window| of(window.target)).map(|window| {
            format!(
                "{} in round {}, {}: {} connections met an incomplete answer, first: {}",
                window.target.name(),
                window.round + 1,
                window.cell,
                window.figures.failed,
                window.figures.first_failure.as_deref().unwrap_or("unknown")
            )
        });
        let lost = self.lost.iter().filter(|lost| of(lost.target)).map(|lost| {
            format!(
                "{} in round {}, {}: {}",
                lost.target.name(),
                lost.round + 1,
                lost.cell,
                lost.reason
            )
        });
        incomplete.chain(lost).collect()
    }
}
