//! The results as Markdown tables for a person.

use std::fmt::Write as _;

use bench_harness::cell::{Shape, Target};
use bench_harness::table::{self, Column, first_token_p50, total_p50, total_p99};

use crate::results::Results;
use crate::standing;

pub(crate) fn markdown(results: &Results) -> String {
    let record = &results.record;
    let mut parts = vec![
        format!("# Gateways side by side\n\n{}\n", table::conditions(record)),
        servers(results),
        table::answers(record, Shape::Plain, &plain_columns()),
        table::answers(record, Shape::Stream, &stream_columns()),
        table::answers(record, Shape::Paced, &paced_columns()),
        table::memory(record),
        standing::markdown(record),
    ];
    parts.extend(table::faults(record));
    parts.join("\n")
}

fn servers(results: &Results) -> String {
    let mut list = format!("- {}\n", results.backstay);
    for peer in &results.peers {
        let state = peer
            .absent
            .as_ref()
            .map_or_else(|| "measured".to_owned(), |reason| format!("absent: {}", ends(reason)));
        // Writing to a string cannot fail.
        writeln!(list, "- {}: {state}", peer.title).ok();
    }
    list
}

/// First and last line of a reason, which may quote a log: what failed, and the end of what the
/// program said about it.
fn ends(reason: &str) -> String {
    let mut lines = reason.lines();
    let first = lines.next().unwrap_or_default();
    lines.next_back().map_or_else(|| first.to_owned(), |last| format!("{first} … {last}"))
}

fn plain_columns() -> Vec<Column> {
    let mut columns = throughput_columns("requests/s");
    columns.extend(latency_columns());
    columns.extend(cpu_columns("CPU µs/request"));
    columns
}

fn stream_columns() -> Vec<Column> {
    let mut columns = throughput_columns("streams/s");
    columns.extend(first_token_columns());
    columns.extend(latency_columns());
    columns.extend(cpu_columns("CPU µs/stream"));
    columns
}

/// A window holds few of these streams, so there is no p99; and none is faster than its pace.
fn paced_columns() -> Vec<Column> {
    let [p50, added_p50, ..] = latency_columns();
    let mut columns = Vec::from(first_token_columns());
    columns.extend([p50, added_p50]);
    columns.extend(cpu_columns("CPU µs/stream"));
    columns
}

fn first_token_columns() -> [Column; 2] {
    [
        Column { name: "first token p50 µs", value: |it| it.spread(|w| Some(first_token_p50(w))) },
        Column { name: "added first token µs", value: |it| it.added(first_token_p50) },
    ]
}

fn throughput_columns(name: &'static str) -> Vec<Column> {
    vec![
        Column { name, value: |it| it.spread(|w| Some(w.figures.requests_per_s)) },
        Column { name: "× slower than direct", value: |it| it.times_slower_than_direct() },
    ]
}

fn latency_columns() -> [Column; 4] {
    [
        Column { name: "p50 µs", value: |it| it.spread(|w| Some(total_p50(w))) },
        Column { name: "added p50 µs", value: |it| it.added(total_p50) },
        Column { name: "p99 µs", value: |it| it.spread(|w| Some(total_p99(w))) },
        Column { name: "added p99 µs", value: |it| it.added(total_p99) },
    ]
}

fn cpu_columns(name: &'static str) -> [Column; 2] {
    [
        Column { name, value: |it| it.spread(|w| w.cpu_us_per_request) },
        Column { name: "CPU ÷ floor-axum", value: |it| it.cpu_ratio(Target::FloorAxum) },
    ]
}
