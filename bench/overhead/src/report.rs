//! The record as Markdown tables for a person.

use bench_harness::cell::{Shape, Target};
use bench_harness::record::Record;
use bench_harness::table::{self, Column, first_token_p50, total_p50, total_p99};

pub(crate) fn markdown(record: &Record) -> String {
    let mut parts = vec![
        format!("# Overhead of a model call\n\n{}\n", table::conditions(record)),
        table::answers(record, Shape::Plain, &plain_columns()),
        table::answers(record, Shape::Stream, &stream_columns()),
        table::memory(record),
    ];
    parts.extend(table::faults(record));
    parts.join("\n")
}

fn plain_columns() -> Vec<Column> {
    let mut columns = vec![
        Column { name: "requests/s", value: |it| it.spread(|w| Some(w.figures.requests_per_s)) },
        Column { name: "p50 µs", value: |it| it.spread(|w| Some(total_p50(w))) },
        Column { name: "added p50 µs", value: |it| it.added(total_p50) },
        Column { name: "p99 µs", value: |it| it.spread(|w| Some(total_p99(w))) },
    ];
    columns.extend(ratio_columns("CPU µs/request"));
    columns
}

fn stream_columns() -> Vec<Column> {
    let mut columns = vec![
        Column { name: "streams/s", value: |it| it.spread(|w| Some(w.figures.requests_per_s)) },
        Column { name: "first token p50 µs", value: |it| it.spread(|w| Some(first_token_p50(w))) },
        Column { name: "added first token µs", value: |it| it.added(first_token_p50) },
        Column { name: "total p50 µs", value: |it| it.spread(|w| Some(total_p50(w))) },
        Column { name: "added total µs", value: |it| it.added(total_p50) },
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
            name: "added ÷ floor-axum",
            value: |it| it.added_ratio(Target::FloorAxum, total_p50),
        },
    ]
}
