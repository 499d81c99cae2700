//! Everything that can go wrong upstream, in every wire format, for whole answers and streams, in
//! every dialect: no call hangs, no text is spliced or repeated, what can be mended is mended by the
//! fallback, and each generation and each attempt is in the ledger once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use backstay_testing::{TestClient, TestServer};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

/// Short clocks, so that a fault which has to run into one does so soon; every call may be retried.
const CONFIG: &str = "[timeouts]\nconnect = 1000\nfirst_token = 4000\nidle = 4000\nwhole = 5000\ntotal = 20000\n\
    [routing]\nretries_percent = 500\n";
/// The total time-out of two attempts, and what a busy machine adds.
const NO_CALL_TAKES: Duration = Duration::from_secs(60);
const WORDS: &str = "two three four five six seven";

/// What a fault leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The fallback answers.
    Fallback,
    /// The endpoint's own answer is good enough.
    Answer,
    /// A stream breaks off with an error after some of the text; a whole answer comes from the
    /// fallback.
    Break,
    /// As the last, or the whole text: what comes first cannot be told.
    BreakOrAnswer,
}

use Outcome::{Answer, Break, BreakOrAnswer, Fallback};

const FAULTS: [(&str, Outcome); 47] = [
    ("refuse", Fallback),
    ("401", Fallback),
    ("404", Fallback),
    ("429", Fallback),
    ("429-retry-after-1", Fallback),
    ("429-retry-after-3600", Fallback),
    ("500", Fallback),
    ("503", Fallback),
    ("529", Fallback),
    ("status-400", Fallback),
    ("status-402", Fallback),
    ("status-403", Fallback),
    ("status-405", Fallback),
    ("status-408", Fallback),
    ("status-409", Fallback),
    ("status-413", Fallback),
    ("status-418", Fallback),
    ("status-422", Fallback),
    ("status-425", Fallback),
    ("status-451", Fallback),
    ("status-502", Fallback),
    ("status-504", Fallback),
    ("status-520", Fallback),
    ("html-200", Fallback),
    ("html-403", Fallback),
    ("html-502", Fallback),
    ("html-503", Fallback),
    ("empty-body", Fallback),
    ("redirect", Fallback),
    ("slow-headers-40000", Fallback),
    ("first-byte-40000", Fallback),
    ("huge-line-10000000", Fallback),
    ("stall-after-0", Fallback),
    ("reset-after-0", Fallback),
    ("truncate-after-0", Fallback),
    ("error-after-0", Fallback),
    ("stall-after-2", Break),
    ("truncate-after-2", Break),
    ("error-after-2", Break),
    ("per-token-20!reset-after-2", Break),
    ("endless", BreakOrAnswer),
    ("garbage", BreakOrAnswer),
    ("no-done", BreakOrAnswer),
    ("wrong-content-type", Answer),
    ("no-usage", Answer),
    ("lying-usage", Answer),
    ("empty-chunk", Answer),
];

#[derive(Clone, Copy, Debug)]
struct Cell {
    number: usize,
    fault: (&'static str, Outcome),
    upstream: &'static str,
    path: &'static str,
    stream: bool,
}

/// What a client got of a cell.
struct Got {
    text: String,
    has_error: bool,
    generation: Option<String>,
    evidence: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_in_every_form_is_mended_or_named() -> Result<()> {
    let server = TestServer::builder().config(CONFIG).start().await?;
    let mut cells = Vec::new();
    for fault in FAULTS {
        for upstream in ["openai", "anthropic", "gemini"] {
            for path in ["/v1/chat/completions", "/v1/messages"] {
                for stream in [false, true] {
                    if fault.0 == "empty-chunk" && !stream {
                        // A whole answer that says nothing is an answer.
                        continue;
                    }
                    let number = cells.len();
                    cells.push(Cell { number, fault, upstream, path, stream });
                }
            }
        }
    }
    let member = server.member();
    let checks = stream::iter(cells.iter().map(|cell| check(&member, *cell)));
    let outcomes: Vec<Result<()>> = checks.buffer_unordered(24).collect().await;
    let failures: Vec<String> = outcomes
        .into_iter()
        .filter_map(|one| one.err().map(|error| format!("{error:#}")))
        .collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cells.len(), failures.join("\n"));
    server.stop().await
}

fn said(cell: Cell) -> String {
    format!("cell{:04} {WORDS}", cell.number)
}

async fn check(member: &TestClient, cell: Cell) -> Result<()> {
    let started = Instant::now();
    let asked = ask(member, cell);
    let got = tokio::time::timeout(NO_CALL_TAKES, asked)
        .await
        .with_context(|| format!("{cell:?} hangs"))?
        .with_context(|| format!("{cell:?}"))?;
    let (said, evidence) = (said(cell), &got.evidence);
    let at = format!("{cell:?} after {:?}: {evidence}", started.elapsed());
    let is_whole = got.text == said && !got.has_error;
    let is_prefix = !got.text.is_empty() && said.starts_with(&got.text) && got.has_error;
    match cell.fault.1 {
        Fallback | Answer => ensure!(is_whole, "no whole answer: {at}"),
        Break if !cell.stream => ensure!(is_whole, "no whole answer: {at}"),
        Break => ensure!(is_prefix, "no broken answer with its error: {at}"),
        BreakOrAnswer if cell.fault.0 == "endless" && cell.stream => {
            ensure!(got.has_error && got.text.starts_with("cell"), "no end: {at}");
        }
        BreakOrAnswer => ensure!(is_whole || is_prefix, "neither: {at}"),
    }
    let generation = got.generation.with_context(|| format!("no generation: {at}"))?;
    let row = member.get(&format!("/backstay/v1/generations/{generation}")).await?.body;
    check_row(cell, &row, got.has_error).with_context(|| at)
}

async fn ask(member: &TestClient, cell: Cell) -> Result<Got> {
    let fallback = if cell.upstream == "openai" { "anthropic" } else { "openai" };
    let body = json!({
        // A name of its own, so that the endpoint's health is not that of another cell's.
        "model": format!("{}/sim-echo!{}!first-{}", cell.upstream, cell.fault.0, 1_000 + cell.number),
        "models": [format!("{fallback}/sim-echo")],
        "max_tokens": 100,
        "stream": cell.stream,
        "backstay": {"memory": "off"},
        "messages": [{"role": "user", "content": said(cell)}],
    });
    if cell.stream {
        let answer = member.stream(cell.path, &body).await?;
        let is_error = |event: &Value| event.get("error").is_some_and(|error| !error.is_null());
        return Ok(Got {
            text: answer.text(),
            has_error: answer.events.iter().any(is_error) || !answer.status.is_success(),
            generation: header(&answer.headers),
            evidence: format!("{} {:.2000}", answer.status, format!("{:?}", answer.events)),
        });
    }
    let answer = member.post(cell.path, &body).await?;
    Ok(Got {
        text: answer.text(),
        has_error: !answer.status.is_success(),
        generation: header(&answer.headers),
        evidence: format!("{} {:.2000}", answer.status, answer.body.to_string()),
    })
}

fn header(headers: &reqwest::header::HeaderMap) -> Option<String> {
    headers.get("x-backstay-generation")?.to_str().ok().map(str::to_owned)
}

/// The ledger tells the same story: who answered, and each attempt before it once, with its error.
fn check_row(cell: Cell, row: &Value, broke: bool) -> Result<()> {
    let status = if broke { "failed" } else { "completed" };
    ensure!(row["status"] == status, "the ledger says {}", row["status"]);
    let attempts = row["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if matches!(cell.fault.0, "no-usage" | "lying-usage") {
        ensure!(row["usage"]["estimated"] == true, "the usage is our own: {}", row["usage"]);
    }
    let charged = |attempt: &Value| !attempt["charge"].is_null();
    let answered = attempts.iter().filter(|attempt| attempt["error_code"].is_null());
    ensure!(answered.clone().all(charged), "an answer is charged: {attempts:?}");
    ensure!(answered.count() == 1, "one attempt answered: {attempts:?}");
    let falls_back = match cell.fault.1 {
        Fallback => true,
        Break => !cell.stream,
        Answer | BreakOrAnswer => return Ok(()),
    };
    if falls_back {
        ensure!(attempts.len() == 2, "attempts: {attempts:?}");
        ensure!(attempts[0]["error_code"].is_string(), "the first failed: {attempts:?}");
        ensure!(attempts[0]["provider"] == cell.upstream, "attempts: {attempts:?}");
        ensure!(attempts[1]["error_code"].is_null(), "the second answered: {attempts:?}");
    } else {
        ensure!(attempts.len() == 1, "attempts: {attempts:?}");
    }
    Ok(())
}
