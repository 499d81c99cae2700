//! A bar for each phase of a measurement.

use std::sync::{Mutex, PoisonError};

use backstay_evaluation::memory::{Phase, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

const TEMPLATE: &str = "{msg:10} {wide_bar} {pos}/{len} {eta}";

/// Shown on standard error, and only to a person.
pub(super) struct Bars {
    hidden: bool,
    current: Mutex<ProgressBar>,
}

impl Bars {
    pub(super) fn new(output: Output) -> Self {
        Self { hidden: output.is_json(), current: Mutex::new(ProgressBar::hidden()) }
    }

    pub(super) fn clear(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
}

impl Progress for Bars {
    fn begin(&self, phase: Phase, total: usize) {
        self.clear();
        if self.hidden {
            return;
        }
        let bar = ProgressBar::new(total as u64).with_message(match phase {
            Phase::Ingest => "storing",
            Phase::Embed => "embedding",
            Phase::Ask => "asking",
            Phase::Answer => "answering",
        });
        // A template that does not parse would leave indicatif's own, which does.
        let style = ProgressStyle::with_template(TEMPLATE);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn advance(&self, count: usize) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).inc(count as u64);
    }
}
