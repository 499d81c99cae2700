//! The record as Markdown tables for a person.

use std::fmt::Write as _;

use crate::cell::{Cell, Shape, Target};
use crate::compare::{Series, Spread};
use crate::record::{Record, Window};

pub const UNKNOWN: &str = "n/a";

/// One figure of a server, with its spread over the rounds.
pub struct Column {
    pub name: &'static str,
    pub value: fn(&Series<'_>) -> Option<Spread>,
}

pub fn or_unknown(figure: Option<impl ToString>) -> String {
    figure.map_or_else(|| UNKNOWN.to_owned(), |figure| figure.to_string())
}

pub fn total_p50(window: &Window) -> f64 {
    window.figures.total_p50_us
}

pub fn total_p99(window: &Window) -> f64 {
    window.figures.total_p99_us
}

pub fn first_token_p50(window: &Window) -> f64 {
    window.figures.first_token_p50_us
}

/// On which machine, when and how: without it the figures mean nothing.
pub fn conditions(record: &Record) -> String {
    let machine = &record.machine;
    format!(
        "{}: {}, {} cores, {}; load average {} before, {} after.\nRounds: {}, windows of {} s; \
         median [min–max] over the rounds; ratios and added times are taken inside a round. Load \
         generator and mock model share the cores.",
        record.date,
        or_unknown(machine.processor.as_ref()),
        or_unknown(machine.cores),
        machine.system,
        or_unknown(machine.load_average_before.as_ref()),
        or_unknown(machine.load_average_after.as_ref()),
        record.rounds,
        record.window_s
    )
}

/// A line for every server and concurrency of one kind of answer.
pub fn answers(record: &Record, shape: Shape, columns: &[Column]) -> String {
    let title = match shape {
        Shape::Plain => "## Plain answers",
        Shape::Stream => "## Streams of 43 events, un-paced",
        Shape::Paced => "## Streams of 43 events, the first after 20 ms, one every 5 ms",
    };
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut table = format!(
        "{title}\n\n| c | server | {} |\n|--:|---|{}\n",
        names.join(" | "),
        "--:|".repeat(names.len())
    );
    for (cell, target) in rows(record, shape) {
        let series = Series::new(record, cell, target);
        let figures = columns.iter().map(|column| or_unknown((column.value)(&series)));
        let figures: Vec<String> = figures.collect();
        // Writing to a string cannot fail.
        writeln!(table, "| {} | {} | {} |", cell.connections, target.name(), figures.join(" | "))
            .ok();
    }
    table
}

/// Every cell and target that was measured, in the order of concurrency and then of the servers.
fn rows(record: &Record, shape: Shape) -> Vec<(Cell, Target)> {
    let mut rows: Vec<(Cell, Target)> = Vec::new();
    for window in record.windows.iter().filter(|window| window.cell.shape == shape) {
        if !rows.contains(&(window.cell, window.target)) {
            rows.push((window.cell, window.target));
        }
    }
    let order = |target: Target| record.memory.iter().position(|memory| memory.target == target);
    rows.sort_by_key(|(cell, target)| (cell.connections, order(*target)));
    rows
}

pub fn mib(kib: Option<u64>) -> String {
    or_unknown(kib.map(|kib| format!("{:.1}", kib as f64 / 1024.0)))
}

pub fn memory(record: &Record) -> String {
    let mut table =
        "## Resident memory, MiB\n\n| server | idle | peak of the run |\n|---|--:|--:|\n"
            .to_owned();
    for memory in &record.memory {
        let (idle, peak) = (mib(memory.idle_resident_kib), mib(memory.peak_resident_kib));
        writeln!(table, "| {} | {idle} | {peak} |", memory.target.name()).ok();
    }
    table
}

/// `None` when every answer was complete.
pub fn faults(record: &Record) -> Option<String> {
    let faults = record.faults(|_| true);
    if faults.is_empty() {
        return None;
    }
    let title = "## Incomplete answers: the figures of their windows are void";
    Some(format!("{title}\n\n- {}\n", faults.join("\n- ")))
}
