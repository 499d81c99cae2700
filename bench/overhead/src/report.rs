//! The record as Markdown tables for a person.

use std::fmt::Write as _;

use crate::cell::{Cell, Shape, Target};
use crate::compare::{Series, Spread};
use crate::record::{Record, Window};

const UNKNOWN: &str = "n/a";

pub(crate) fn markdown(record: &Record) -> String {
    let mut lines = heading(record);
    for shape in Shape::ALL {
        lines.extend(table(record, shape));
    }
    lines.extend(memory(record));
    lines.extend(failures(record));
    lines.join("\n")
}

fn heading(record: &Record) -> Vec<String> {
    let machine = &record.machine;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    vec![
        "# Overhead of a model call".to_owned(),
        String::new(),
        format!(
            "{}, {} cores, {}; load average {} before, {} after.",
            or_unknown(&machine.processor),
            machine.cores.map_or_else(|| UNKNOWN.to_owned(), |cores| cores.to_string()),
            machine.system,
            or_unknown(&machine.load_average_before),
            or_unknown(&machine.load_average_after),
        ),
        format!(
            "Rounds: {}, windows of {} s; median [min–max] over the rounds; ratios and added times \
             are taken inside a round. Load generator and mock model share the cores.",
            record.rounds, record.window_s
        ),
    ]
}

fn table(record: &Record, shape: Shape) -> Vec<String> {
    let (title, columns) = match shape {
        Shape::Plain => ("## Plain answers", plain_columns()),
        Shape::Stream => ("## Streams of 43 events, un-paced", stream_columns()),
    };
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let mut lines = vec![
        String::new(),
        title.to_owned(),
        String::new(),
        format!("| c | server | {} |", names.join(" | ")),
        format!("|--:|---|{}", "--:|".repeat(names.len())),
    ];
    for (cell, target) in rows(record, shape) {
        let series = Series::new(record, cell, target);
        let mut line = format!("| {} | {} |", cell.connections, target.name());
        for column in &columns {
            let text = (column.value)(&series);
            // Writing to a string cannot fail.
            write!(line, " {} |", text.map_or_else(|| UNKNOWN.to_owned(), |text| text.to_string()))
                .ok();
        }
        lines.push(line);
    }
    lines
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

struct Column {
    name: &'static str,
    value: fn(&Series<'_>) -> Option<Spread>,
}

fn total(window: &Window) -> f64 {
    window.figures.total_p50_us
}

fn first_byte(window: &Window) -> f64 {
    window.figures.first_byte_p50_us
}

fn plain_columns() -> Vec<Column> {
    let mut columns = vec![
        Column { name: "requests/s", value: |it| it.spread(|w| Some(w.figures.requests_per_s)) },
        Column { name: "p50 µs", value: |it| it.spread(|w| Some(total(w))) },
        Column { name: "added p50 µs", value: |it| it.added(total) },
        Column { name: "p99 µs", value: |it| it.spread(|w| Some(w.figures.total_p99_us)) },
    ];
    columns.extend(ratio_columns("CPU µs/request"));
    columns
}

fn stream_columns() -> Vec<Column> {
    let mut columns = vec![
        Column { name: "streams/s", value: |it| it.spread(|w| Some(w.figures.requests_per_s)) },
        Column { name: "first byte p50 µs", value: |it| it.spread(|w| Some(first_byte(w))) },
        Column { name: "added first byte µs", value: |it| it.added(first_byte) },
        Column { name: "total p50 µs", value: |it| it.spread(|w| Some(total(w))) },
        Column { name: "added total µs", value: |it| it.added(total) },
    ];
    columns.extend(ratio_columns("CPU µs/stream"));
    columns
}

fn ratio_columns(cpu: &'static str) -> [Column; 4] {
    [
        Column { name: cpu, value: |it| it.spread(|w| w.cpu_us_per_request) },
        Column { name: "CPU ÷ floor-axum", value: |it| it.cpu_ratio(Target::FloorAxum) },
        Column { name: "CPU ÷ floor-hyper", value: |it| it.cpu_ratio(Target::FloorHyper) },
        Column {
            name: "added ÷ floor-axum", value: |it| it.added_ratio(Target::FloorAxum, total)
        },
    ]
}

fn memory(record: &Record) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        "## Peak resident memory over the whole run".to_owned(),
        String::new(),
        "| server | MiB |".to_owned(),
        "|---|--:|".to_owned(),
    ];
    lines.extend(record.memory.iter().map(|memory| {
        let size = memory.peak_resident_kib;
        let size =
            size.map_or_else(|| UNKNOWN.to_owned(), |kib| format!("{:.1}", kib as f64 / 1024.0));
        format!("| {} | {size} |", memory.target.name())
    }));
    lines
}

/// Nothing when every answer was complete.
fn failures(record: &Record) -> Vec<String> {
    let void = record.windows.iter().filter(|window| window.figures.failed > 0);
    let mut lines: Vec<String> = void
        .map(|window| {
            format!(
                "- {} in round {}, {}: {} connections met one, first: {}",
                window.target.name(),
                window.round + 1,
                window.cell,
                window.figures.failed,
                window.figures.first_failure.as_deref().unwrap_or(UNKNOWN)
            )
        })
        .collect();
    if !lines.is_empty() {
        let title = "## Incomplete answers: the figures above are void".to_owned();
        lines.splice(0..0, [String::new(), title, String::new()]);
    }
    lines
}
