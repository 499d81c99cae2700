//! Whether Backstay is ahead of every peer, figure by figure.

use bench_harness::cell::{Cell, Shape, Target};
use bench_harness::compare::{Series, Spread};
use bench_harness::record::{Memory, Record};
use bench_harness::rounds;
use bench_harness::table::{first_token_p50, mib, total_p50, total_p99};

/// A figure of which less is better.
struct Figure {
    name: &'static str,
    value: fn(&Series<'_>) -> Option<Spread>,
}

/// One figure of Backstay beside the same of one peer.
#[derive(Debug, PartialEq)]
struct Comparison {
    peer: Target,
    /// What was compared, and where.
    subject: String,
    backstay: String,
    of_peer: String,
    ahead: bool,
}

pub(crate) fn markdown(record: &Record) -> String {
    let comparisons = comparisons(record);
    let behind: Vec<&Comparison> = comparisons.iter().filter(|it| !it.ahead).collect();
    let title = "## Backstay beside the peers, by medians";
    if comparisons.is_empty() {
        return format!("{title}\n\nNo peer was measured.\n");
    }
    let mut text = format!(
        "{title}\n\nAhead in {} of {} comparisons.\n",
        comparisons.len() - behind.len(),
        comparisons.len()
    );
    for Comparison { peer, subject, backstay, of_peer, .. } in behind {
        let peer = peer.name();
        text.push_str(&format!("- behind {peer} in {subject}: {backstay} against {of_peer}\n"));
    }
    text
}

/// Throughput as times slower than direct, so that of this, too, less is better. The first token is
/// judged where streams have a pace: where they have none, a server that stalls at their ends keeps
/// its own queue short, and looks quick to begin.
fn figures(shape: Shape) -> Vec<Figure> {
    let mut figures = vec![
        Figure { name: "added p50 µs", value: |it| it.added(total_p50) },
        Figure { name: "CPU µs per answer", value: |it| it.spread(|w| w.cpu_us_per_request) },
    ];
    if shape == Shape::Paced {
        figures
            .push(Figure { name: "added first token µs", value: |it| it.added(first_token_p50) });
    } else {
        figures.push(Figure { name: "added p99 µs", value: |it| it.added(total_p99) });
        figures.push(Figure {
            name: "times slower than direct",
            value: |it| it.times_slower_than_direct(),
        });
    }
    figures
}

fn comparisons(record: &Record) -> Vec<Comparison> {
    let peers: Vec<Target> =
        record.memory.iter().map(|memory| memory.target).filter(|it| it.is_peer()).collect();
    let mut comparisons = Vec::new();
    for cell in rounds::cells(&Shape::ALL) {
        for figure in figures(cell.shape) {
            let value = |target| (figure.value)(&Series::new(record, cell, target));
            let Some(backstay) = value(Target::Backstay) else { continue };
            for peer in &peers {
                let Some(of_peer) = value(*peer) else { continue };
                comparisons.push(Comparison {
                    peer: *peer,
                    subject: subject(figure.name, cell),
                    backstay: backstay.to_string(),
                    of_peer: of_peer.to_string(),
                    ahead: backstay.median < of_peer.median,
                });
            }
        }
    }
    comparisons.extend(memory_comparisons(record, &peers));
    comparisons
}

fn subject(name: &str, cell: Cell) -> String {
    format!("{name}, {cell}")
}

fn memory_comparisons(record: &Record, peers: &[Target]) -> Vec<Comparison> {
    let idle: fn(&Memory) -> Option<u64> = |memory| memory.idle_resident_kib;
    let peak: fn(&Memory) -> Option<u64> = |memory| memory.peak_resident_kib;
    let of = |target: Target| record.memory.iter().find(|memory| memory.target == target);
    let mut comparisons = Vec::new();
    for (name, kib) in [("idle memory, MiB", idle), ("peak memory, MiB", peak)] {
        let Some(backstay) = of(Target::Backstay).and_then(kib) else { continue };
        for peer in peers {
            let Some(of_peer) = of(*peer).and_then(kib) else { continue };
            comparisons.push(Comparison {
                peer: *peer,
                subject: name.to_owned(),
                backstay: mib(Some(backstay)),
                of_peer: mib(Some(of_peer)),
                ahead: backstay < of_peer,
            });
        }
    }
    comparisons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readme::sample;

    #[test]
    fn what_backstay_loses_is_named_with_both_figures() {
        let text = markdown(&sample().record);
        assert!(text.contains("Ahead in 4 of 5 comparisons"), "{text}");
        assert!(
            text.contains("behind tensorzero in peak memory, MiB: 83.0 against 70.0"),
            "{text}"
        );
    }
}
