//! One short table for a README: medians at both concurrencies, with date and method.

use std::fmt::Write as _;

use bench_harness::cell::{Cell, Shape, Target};
use bench_harness::compare::{Series, Spread};
use bench_harness::table::{UNKNOWN, first_token_p50, mib, or_unknown, total_p50, total_p99};

use crate::results::Results;

pub(crate) fn table(results: &Results) -> String {
    let record = &results.record;
    let machine = &record.machine;
    let mut text = format!(
        "| server | requests/s | added p50 | added p99 | CPU per request | added to a stream's first \
         token | memory |\n|---|{}\n",
        "--:|".repeat(6)
    );
    for memory in &record.memory {
        let target = memory.target;
        let plain = |figure: fn(&Series<'_>) -> Option<Spread>, show: fn(f64) -> String| {
            pair(results, Shape::Plain, target, figure, show)
        };
        let cells = [
            plain(
                |it| it.spread(|w| Some(w.figures.requests_per_s)),
                |value| format!("{value:.0}"),
            ),
            plain(|it| it.added(total_p50), duration),
            plain(|it| it.added(total_p99), duration),
            plain(|it| it.spread(|w| w.cpu_us_per_request), duration),
            pair(results, Shape::Paced, target, |it| it.added(first_token_p50), duration),
            format!("{} MiB", mib(memory.peak_resident_kib)),
        ];
        // Writing to a string cannot fail.
        writeln!(text, "| {} | {} |", title(results, target), cells.join(" | ")).ok();
    }
    write!(
        text,
        "\nMeasured on {} with `make bench B=gateways`: {}, {} cores, load average {} before and {} \
         after; {} rounds of {} s windows, all servers in turn in each round, medians, at 1 / 32 \
         open connections. Added times are against the model server called directly in the same \
         round; the first token is that of a stream at a model's pace; memory is the peak of the whole \
         run. ",
        record.date,
        or_unknown(machine.processor.as_ref()),
        or_unknown(machine.cores),
        or_unknown(machine.load_average_before.as_ref()),
        or_unknown(machine.load_average_after.as_ref()),
        record.rounds,
        record.window_s,
    )
    .ok();
    for peer in results.peers.iter().filter(|peer| peer.absent.is_some()) {
        write!(text, "{} could not be measured. ", peer.title).ok();
    }
    text.push_str("[How it is measured, and what it hides](bench/gateways/README.md).");
    text
}

fn title(results: &Results, target: Target) -> String {
    let peer = results.peers.iter().find(|peer| peer.target == target);
    match (peer, target) {
        (Some(peer), _) => peer.title.clone(),
        (None, Target::Backstay) => "**Backstay**".to_owned(),
        (None, Target::Direct) => "no gateway".to_owned(),
        (None, Target::FloorHyper) => "bare hyper proxy (floor)".to_owned(),
        (None, _) => "axum + reqwest, JSON parsed (floor)".to_owned(),
    }
}

/// The figure at 1 and at 32 connections.
fn pair(
    results: &Results,
    shape: Shape,
    target: Target,
    figure: fn(&Series<'_>) -> Option<Spread>,
    show: fn(f64) -> String,
) -> String {
    let at = |connections| {
        let series = Series::new(&results.record, Cell { shape, connections }, target);
        figure(&series).map(|spread| show(spread.median))
    };
    match (at(1), at(32)) {
        (None, None) => "–".to_owned(),
        (one, many) => {
            let known = |text: Option<String>| text.unwrap_or_else(|| UNKNOWN.to_owned());
            format!("{} / {}", known(one), known(many))
        }
    }
}

/// Microseconds in the unit that needs the fewest digits.
fn duration(micros: f64) -> String {
    match micros.abs() {
        below if below < 1_000.0 => format!("{micros:.0} µs"),
        below if below < 10_000.0 => format!("{:.1} ms", micros / 1_000.0),
        below if below < 1_000_000.0 => format!("{:.0} ms", micros / 1_000.0),
        _ => format!("{:.1} s", micros / 1_000_000.0),
    }
}

/// Two servers and one peer with a window each, and a peer that was not there.
#[cfg(test)]
pub(crate) fn sample() -> Results {
    let window = |target: &str, p50: f64, cpu: f64| {
        serde_json::json!({
            "round": 0, "target": target, "shape": "plain", "connections": 1, "completed": 100,
            "failed": 0, "first_failure": null, "elapsed_s": 1.0, "requests_per_s": 1e6 / p50,
            "total_p50_us": p50, "total_p99_us": p50 * 2.0, "first_token_p50_us": p50,
            "cpu_us_per_request": cpu,
        })
    };
    let memory = |target: &str, peak: u64| {
        serde_json::json!({
            "target": target, "idle_resident_kib": null, "peak_resident_kib": peak * 1024,
        })
    };
    serde_json::from_value(serde_json::json!({
        "backstay": "backstay 0.1.0",
        "peers": [
            {"target": "tensorzero", "title": "TensorZero 2026.6.0", "absent": null},
            {"target": "portkey", "title": "Portkey 1.15.2", "absent": "cannot run node"},
        ],
        "date": "2026-11-28", "rounds": 1, "window_s": 1.0, "lost": [],
        "machine": {
            "system": "linux", "processor": "a processor", "cores": 2,
            "load_average_before": "0.1 0.1 0.1", "load_average_after": null,
        },
        "windows": [
            window("direct", 50.0, 20.0), window("backstay", 150.0, 150.0),
            window("tensorzero", 500.0, 400.0),
        ],
        "memory": [memory("direct", 7), memory("backstay", 83), memory("tensorzero", 70)],
    }))
    .unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_server_and_names_the_absent() {
        let text = table(&sample());
        assert!(text.contains("| **Backstay** | 6667 / n/a | 100 µs / n/a |"), "{text}");
        assert!(text.contains("| no gateway | 20000 / n/a | – | – |"), "{text}");
        assert!(text.contains("Measured on 2026-11-28"), "{text}");
        assert!(text.contains("Portkey 1.15.2 could not be measured"), "{text}");
    }

    #[test]
    fn a_duration_is_written_in_the_unit_that_fits() {
        let written: Vec<String> =
            [83.4, 4_300.0, 85_791.0, 1_930_000.0, -12.0].map(duration).into();
        assert_eq!(written, ["83 µs", "4.3 ms", "86 ms", "1.9 s", "-12 µs"]);
    }
}
