//! The figures, as a table on standard output.

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use crate::evaluate::Outcome;

const RANKS: [usize; 4] = [5, 10, 20, 50];
const SESSIONS: usize = 5;

pub(crate) fn complain(message: &str) {
    // There is nobody left to tell when this fails.
    let _unwritten = writeln!(std::io::stderr(), "{message}");
}

fn say(line: &str) {
    let _unwritten = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn show(title: &str, outcomes: &[Outcome], embedding: Option<(usize, Duration)>) {
    say(&format!("\n## {title}\n"));
    let with_evidence: Vec<&Outcome> =
        outcomes.iter().filter(|outcome| !outcome.places.is_empty()).collect();
    say(
        "| questions | n | R@5 | R@10 | R@20 | R@50 | session any-hit@5 | evidence in 1000 tokens |",
    );
    say("|---|---|---|---|---|---|---|---|");
    let mut by_category: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in &with_evidence {
        by_category.entry(&outcome.category).or_default().push(outcome);
    }
    for (category, outcomes) in &by_category {
        row(category, outcomes);
    }
    row("all", &with_evidence);
    abstention(outcomes);
    times(outcomes, embedding);
}

fn row(name: &str, outcomes: &[&Outcome]) {
    let recalls: Vec<String> = RANKS
        .iter()
        .map(|rank| percent(mean(outcomes, |outcome| recall_at(outcome, *rank))))
        .collect();
    let session = mean(outcomes, |outcome| {
        f64::from(u8::from(outcome.session_place.is_some_and(|place| place < SESSIONS)))
    });
    let packed = mean(outcomes, |outcome| outcome.packed);
    let recalls = recalls.join(" | ");
    let count = outcomes.len();
    say(&format!("| {name} | {count} | {recalls} | {} | {} |", percent(session), percent(packed)));
}

/// The share of the evidence among the first so many.
fn recall_at(outcome: &Outcome, rank: usize) -> f64 {
    let found = outcome.places.iter().flatten().filter(|place| **place < rank).count();
    found as f64 / outcome.places.len().max(1) as f64
}

fn abstention(outcomes: &[Outcome]) {
    say("\n| asked | n | judged irrelevant |\n|---|---|---|");
    abstained("answerable", outcomes, |outcome| !outcome.foreign && !outcome.unanswerable);
    abstained("adversarial (never said, but near what was)", outcomes, |outcome| {
        !outcome.foreign && outcome.unanswerable
    });
    abstained("of another conversation", outcomes, |outcome| outcome.foreign);
}

fn abstained(name: &str, outcomes: &[Outcome], is_kind: impl Fn(&Outcome) -> bool) {
    let kind: Vec<&Outcome> = outcomes.iter().filter(|outcome| is_kind(outcome)).collect();
    let share = mean(&kind, |outcome| f64::from(u8::from(!outcome.relevant)));
    say(&format!("| {name} | {} | {} |", kind.len(), percent(share)));
}

fn times(outcomes: &[Outcome], embedding: Option<(usize, Duration)>) {
    let mut times: Vec<Duration> = outcomes.iter().map(|outcome| outcome.recall_time).collect();
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
    say(&format!(
        "\nrecall: p50 {:.1} ms, p95 {:.1} ms",
        milliseconds(at(50)),
        milliseconds(at(95))
    ));
    if let Some((count, time)) = embedding {
        let each = milliseconds(time) / count as f64;
        say(&format!("embedding: {count} turns in {:.1} s, {each:.1} ms each", time.as_secs_f64()));
    }
}

fn mean(outcomes: &[&Outcome], value: impl Fn(&Outcome) -> f64) -> f64 {
    outcomes.iter().map(|outcome| value(outcome)).sum::<f64>() / outcomes.len().max(1) as f64
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}
