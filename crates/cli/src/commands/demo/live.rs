//! What a user tells one model, the other one knows, in another conversation.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{Answer, answer};
use crate::client::Client;

#[derive(Serialize)]
pub(crate) struct Told {
    pub(crate) statement: String,
    pub(crate) question: String,
    pub(crate) told_to: String,
    pub(crate) asked: Answer,
    /// Whether the statement was recalled for the other model.
    pub(crate) known: bool,
}

const ASSISTANT: &str = "demo helper";
const STATEMENT: &str = "My sister Ines moved to Porto last month and now keeps bees on her roof.";
const QUESTION: &str = "Where does my sister live now?";

pub(crate) async fn tell_one_ask_the_other(client: &Client, models: &[String; 2]) -> Result<Told> {
    forget_last_run(client).await?;
    let [asked_model, told_model] = models;
    call(client, told_model, STATEMENT, "auto").await?;
    let started = tokio::time::Instant::now();
    let reply = call(client, asked_model, QUESTION, "readonly").await?;
    let latency_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let recalled = reply["backstay"]["recalled"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Told {
        statement: STATEMENT.to_owned(),
        question: QUESTION.to_owned(),
        told_to: told_model.clone(),
        asked: answer(asked_model, &reply, latency_ms),
        known: recalled.iter().any(|item| item["text"] == STATEMENT),
    })
}

async fn call(client: &Client, model: &str, text: &str, memory: &str) -> Result<Value> {
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "backstay": {"assistant": ASSISTANT, "user": "you", "thread": "new", "memory": memory},
    });
    client.post("/v1/chat/completions", &body).await
}

/// A second run tells the same thing again; it should not find the first run's memory.
async fn forget_last_run(client: &Client) -> Result<()> {
    let page: Value =
        client.get("/backstay/v1/memories?assistant=demo%20helper&user=you&limit=100").await?;
    let items = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
    if !ids.is_empty() {
        let _forgotten: Value =
            client.post("/backstay/v1/memories/forget", &json!({"ids": ids})).await?;
    }
    Ok(())
}
