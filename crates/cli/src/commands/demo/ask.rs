//! Asks every question of both models, each on a new thread.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::ingest::Ingested;
use crate::{client::Client, import::Question};

/// A question and what a right recall must hold.
pub(crate) struct Expected {
    pub(crate) ask: String,
    /// Turn ids; `None` when nobody says what is right.
    pub(crate) evidence: Option<Vec<String>>,
}

impl Expected {
    pub(crate) fn of_file(question: &Question) -> Self {
        Self { ask: question.ask.clone(), evidence: Some(question.evidence.clone()) }
    }

    pub(crate) fn unjudged(ask: &str) -> Self {
        Self { ask: ask.to_owned(), evidence: None }
    }
}

#[derive(Serialize)]
pub(crate) struct Asked {
    pub(crate) question: String,
    pub(crate) recalled: Vec<RecalledLine>,
    pub(crate) answers: Vec<Answer>,
    /// `None` when nobody says what is right.
    pub(crate) right: Option<bool>,
    /// Turns that should have been recalled and were not.
    pub(crate) missing: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct RecalledLine {
    pub(crate) said_at: String,
    pub(crate) session: String,
    pub(crate) author: String,
    pub(crate) text: String,
    pub(crate) score: f64,
    pub(crate) why: String,
    /// The turn's id in the file.
    pub(crate) turn: String,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    pub(crate) model: String,
    pub(crate) text: String,
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    /// Dollars, or null when the price is unknown.
    pub(crate) cost: Option<String>,
    pub(crate) latency_ms: f64,
}

pub(crate) async fn ask(
    client: &Client,
    ingested: &Ingested,
    question: &Expected,
    models: &[String],
) -> Result<Asked> {
    let mut answers = Vec::new();
    let mut recalled = Vec::new();
    for model in models {
        let body = json!({
            "model": model,
            "messages": [{"role": "user", "content": question.ask}],
            // Read-only, so that asking does not change what is remembered for the next run.
            "backstay": {"assistant": ingested.assistant, "thread": "new", "memory": "readonly"},
        });
        let started = tokio::time::Instant::now();
        let reply: Value = client.post("/v1/chat/completions", &body).await?;
        answers.push(answer(model, &reply, started.elapsed().as_secs_f64() * 1_000.0));
        recalled = lines(&reply, ingested);
    }
    let missing = missing(question, &recalled);
    let right = question
        .evidence
        .as_ref()
        .map(|evidence| if evidence.is_empty() { recalled.is_empty() } else { missing.is_empty() });
    Ok(Asked { question: question.ask.clone(), recalled, answers, right, missing })
}

fn missing(question: &Expected, recalled: &[RecalledLine]) -> Vec<String> {
    let evidence = question.evidence.iter().flatten();
    evidence.filter(|turn| !recalled.iter().any(|line| line.turn == **turn)).cloned().collect()
}

pub(super) fn answer(model: &str, reply: &Value, latency_ms: f64) -> Answer {
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap_or_default();
    Answer {
        model: model.to_owned(),
        text: text.to_owned(),
        prompt_tokens: reply["usage"]["prompt_tokens"].as_u64().unwrap_or(0),
        completion_tokens: reply["usage"]["completion_tokens"].as_u64().unwrap_or(0),
        cost: reply["backstay"]["cost"].as_str().map(str::to_owned),
        latency_ms,
    }
}

fn lines(reply: &Value, ingested: &Ingested) -> Vec<RecalledLine> {
    let items = reply["backstay"]["recalled"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<RecalledLine> = items.iter().map(|item| line(item, ingested)).collect();
    lines.sort_by(|a, b| b.score.total_cmp(&a.score));
    lines
}

fn line(item: &Value, ingested: &Ingested) -> RecalledLine {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let known = ingested.turns.get(&text("id"));
    RecalledLine {
        said_at: text("said_at"),
        session: known.map_or_else(|| text("thread"), |(_, session)| session.clone()),
        author: known.map_or_else(|| text("author"), |(turn, _)| turn.author.clone()),
        text: text("text"),
        score: item["score"].as_f64().unwrap_or(0.0),
        why: text("why"),
        turn: known.map(|(turn, _)| turn.id.clone()).unwrap_or_default(),
    }
}
