//! `backstay ledger`: what calls have used and cost.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{
    client::{Client, Connection, query},
    output::Output,
    terminal::table,
};

/// Sum up what calls have used and cost.
#[derive(Args)]
pub(crate) struct Ledger {
    /// What calls are put together by.
    #[arg(long, value_enum, default_value = "day")]
    by: By,
    /// From this time on, such as 2026-03-01T00:00:00Z [default: 30 days ago].
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time [default: now].
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Day,
    Model,
    Key,
    Provider,
    User,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Model => "model",
            Self::Key => "key",
            Self::Provider => "provider",
            Self::User => "user",
        }
    }
}

impl Ledger {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        let mut sums: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let query = query(&[
                ("group_by", Some(self.by.as_str())),
                ("from", self.from.as_deref()),
                ("to", self.to.as_deref()),
                ("limit", Some("200")),
                ("cursor", cursor.as_deref()),
            ]);
            let mut page: Value =
                client.get(&format!("/backstay/v1/ledger/summary{query}")).await?;
            if let Some(items) = page["data"].as_array_mut() {
                sums.append(items);
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        output.show(&json!({"data": sums}), |_| {
            if sums.is_empty() {
                return "There were no calls.".to_owned();
            }
            let rows: Vec<Vec<String>> = sums.iter().map(row).collect();
            let headings = [
                self.by.as_str(),
                "calls",
                "incomplete",
                "prompt",
                "completion",
                "cost $",
                "unknown cost",
                "cached",
                "saved $",
            ];
            table(&headings, &rows)
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn row(sum: &Value) -> Vec<String> {
    let number = |field: &str| sum[field].to_string();
    vec![
        sum["group"].as_str().unwrap_or("none").to_owned(),
        number("requests"),
        number("incomplete"),
        number("prompt_tokens"),
        number("completion_tokens"),
        sum["cost"].as_str().unwrap_or_default().to_owned(),
        number("unpriced"),
        number("cached"),
        sum["saved"].as_str().unwrap_or_default().to_owned(),
    ]
}
