//! `backstay jobs`: work that waits or was given up on.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::{Client, Connection, query},
    output::Output,
    terminal::{one_line, table},
};

const PATH: &str = "/backstay/v1/jobs";
const ERROR_CHARACTERS_MAX: usize = 80;

#[derive(Args)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List jobs and why those that failed did.
    List {
        /// Only those that wait (ready), are under way (leased) or failed too often (dead).
        #[arg(long, value_parser = ["ready", "leased", "dead"])]
        state: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Where the page before this one ended (its `next`).
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Try a dead job again, as if it had never failed.
    Retry { id: String },
    /// Give a job up, whatever its state.
    Discard { id: String },
}

impl Jobs {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        match self.action {
            Action::List { state, limit, cursor } => {
                let query = query(&[
                    ("state", state.as_deref()),
                    ("limit", Some(&limit.to_string())),
                    ("cursor", cursor.as_deref()),
                ]);
                let page: Value = client.get(&format!("{PATH}{query}")).await?;
                output.show(&page, jobs);
            }
            Action::Retry { id } => {
                let path = format!("{PATH}/{id}/retry");
                let done: Value = client.post(&path, &json!({})).await?;
                output.show(&done, |_| format!("{id} is tried again."));
            }
            Action::Discard { id } => {
                let done: Value = client.delete(&format!("{PATH}/{id}")).await?;
                output.show(&done, |_| format!("{id} was discarded."));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn jobs(page: &Value) -> String {
    let rows: Vec<Vec<String>> =
        page["data"].as_array().map(|all| all.iter().map(row).collect()).unwrap_or_default();
    if rows.is_empty() {
        return "No work waits.".to_owned();
    }
    let mut text = table(&["job", "kind", "of", "state", "failures", "due", "last error"], &rows);
    if let Some(next) = page["next"].as_str() {
        text.push_str(&format!("\n\nmore: --cursor {next}"));
    }
    text
}

fn row(job: &Value) -> Vec<String> {
    let text = |name: &str| job[name].as_str().unwrap_or_default().to_owned();
    vec![
        text("id"),
        text("kind"),
        text("key"),
        text("state"),
        job["failures"].as_u64().unwrap_or_default().to_string(),
        text("due_at"),
        one_line(&text("last_error"), ERROR_CHARACTERS_MAX),
    ]
}
