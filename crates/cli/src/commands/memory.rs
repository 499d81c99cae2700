//! `backstay memory`: what is remembered, why it is recalled, and forgetting it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::{Client, Connection, query},
    output::Output,
    terminal::one_line,
};

/// Of what was added up to rank a memory, the largest parts are shown.
const PARTS_SHOWN: usize = 6;

#[derive(Args)]
pub(crate) struct MemoryCommand {
    #[command(subcommand)]
    action: Action,
}

/// Whose memory.
#[derive(Args)]
struct Whose {
    /// The assistant whose memory it is.
    #[arg(long, default_value = "default")]
    assistant: String,
    /// The user within the assistant's memory.
    #[arg(long)]
    user: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Find what is remembered about something, best first, and why it was found.
    Search {
        /// What to look for: a question, or a few words.
        question: String,
        #[command(flatten)]
        whose: Whose,
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Say why memories are recalled for a question, and why others are not.
    Explain {
        /// The question that memories are recalled for.
        question: String,
        /// Also explain this memory, wherever it ranks; may be repeated.
        #[arg(long = "id", value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        whose: Whose,
        #[arg(long, default_value_t = 5)]
        limit: usize,
    },
    /// List what is remembered, newest first.
    List {
        #[command(flatten)]
        whose: Whose,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Where the page before this one ended (its `next`).
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Forget memories by their ids. They are deleted, not hidden: in their threads
    /// `[forgotten]` stands in their place.
    Forget {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

impl MemoryCommand {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        match self.action {
            Action::Search { question, whose, limit } => {
                let body = json!({
                    "query": question,
                    "assistant": whose.assistant,
                    "user": whose.user,
                    "limit": limit,
                });
                let found: Value = client.post("/backstay/v1/memories/search", &body).await?;
                output.show(&found, |found| memories(found, "Nothing relevant is remembered."));
            }
            Action::Explain { question, ids, whose, limit } => {
                let body = json!({
                    "query": question,
                    "ids": ids,
                    "assistant": whose.assistant,
                    "user": whose.user,
                    "limit": limit,
                });
                let found: Value = client.post("/backstay/v1/memories/explain", &body).await?;
                output.show(&found, explanation);
            }
            Action::List { whose, limit, cursor } => {
                let query = query(&[
                    ("assistant", Some(&whose.assistant)),
                    ("user", whose.user.as_deref()),
                    ("limit", Some(&limit.to_string())),
                    ("cursor", cursor.as_deref()),
                ]);
                let page: Value = client.get(&format!("/backstay/v1/memories{query}")).await?;
                output.show(&page, |page| memories(page, "Nothing is remembered yet."));
            }
            Action::Forget { ids } => {
                let body = json!({"ids": ids});
                let done: Value = client.post("/backstay/v1/memories/forget", &body).await?;
                let forgotten = done["forgotten"].as_u64().unwrap_or(0);
                output.show(&done, |_| format!("{forgotten} of {} forgotten", ids.len()));
                if forgotten != ids.len() as u64 {
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn memories(page: &Value, none: &str) -> String {
    let items = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return none.to_owned();
    }
    let mut lines: Vec<String> = items.iter().map(memory).collect();
    if let Some(next) = page["next"].as_str() {
        lines.push(format!("\nmore: --cursor {next}"));
    }
    lines.join("\n")
}

fn memory(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let date: String = text("said_at").chars().take(10).collect();
    let said = one_line(text("text"), 160);
    let line = format!("{}  {date}  {}: {said}", text("id"), text("author"));
    match item["score"].as_f64() {
        Some(score) => format!("{line}\n    {score:.2}  {}", text("why")),
        None => line,
    }
}

/// Each memory with what was added up to rank it.
fn explanation(found: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().replace('_', " ");
    let mut lines = Vec::new();
    if found["relevant"] == json!(false) {
        lines.push("Nothing that is remembered bears on this, so nothing is recalled.".to_owned());
    }
    for item in list(&found["items"]) {
        let rank = item["rank"].as_u64().unwrap_or_default();
        lines.push(format!("{rank}. {} ({})", memory(&item), word(&item["outcome"])));
        let parts = list(&item["parts"]);
        let parts = parts.iter().take(PARTS_SHOWN).map(|part| {
            format!("{} {:+.2}", word(&part["feature"]), part["adds"].as_f64().unwrap_or_default())
        });
        lines.push(format!("    {}", parts.collect::<Vec<_>>().join(", ")));
    }
    for missing in list(&found["missing"]) {
        lines.push(format!(
            "{}: {}",
            missing["id"].as_str().unwrap_or_default(),
            word(&missing["reason"])
        ));
    }
    if lines.is_empty() { "Nothing is remembered yet.".to_owned() } else { lines.join("\n") }
}
