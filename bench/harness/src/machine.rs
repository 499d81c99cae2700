//! What ran the bench: without it the absolute figures mean nothing.

use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Machine {
    pub system: String,
    /// `None` where the operating system does not say it in `/proc/cpuinfo`.
    pub processor: Option<String>,
    pub cores: Option<usize>,
    pub load_average_before: Option<String>,
    pub load_average_after: Option<String>,
}

impl Machine {
    pub fn look() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor(),
            cores: available_parallelism().ok().map(usize::from),
            load_average_before: load_average(),
            load_average_after: None,
        }
    }

    pub fn look_again(&mut self) {
        self.load_average_after = load_average();
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Over 1, 5 and 15 minutes.
fn load_average() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
