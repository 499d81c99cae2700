//! The raw figures of a run: what `--json` prints and the tables are made of.

use serde::Serialize;

use crate::cell::{Cell, Target};
use crate::load::WindowFigures;
use crate::machine::Machine;

#[derive(Debug, Serialize)]
pub(crate) struct Window {
    pub(crate) round: u32,
    pub(crate) target: Target,
    #[serde(flatten)]
    pub(crate) cell: Cell,
    #[serde(flatten)]
    pub(crate) figures: WindowFigures,
    /// CPU time of the target's process for each completed request; `None` where the operating
    /// system does not show it.
    pub(crate) cpu_us_per_request: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PeakMemory {
    pub(crate) target: Target,
    pub(crate) peak_resident_kib: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) window_s: f64,
    pub(crate) windows: Vec<Window>,
    pub(crate) memory: Vec<PeakMemory>,
}
