//! `backstay models refresh`: asking every provider which models it has.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::{client::Client, output::Output, terminal::table};

/// Names of models that are shown of a change.
const SHOWN_MAX: usize = 3;

pub(super) async fn refresh(client: &Client, output: Output) -> Result<ExitCode> {
    let report: Value = client.post("/backstay/v1/models/refresh", &json!({})).await?;
    output.show(&report, |report| {
        let providers = report["providers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Vec<String>> = providers.iter().map(row).collect();
        format!(
            "{}\nPrices that changed or are new: {}",
            table(&["provider", "models", "new", "gone"], &rows),
            report["prices_changed"]
        )
    });
    Ok(ExitCode::SUCCESS)
}

fn row(provider: &Value) -> Vec<String> {
    let name = provider["provider"].as_str().unwrap_or_default().to_owned();
    if let Some(error) = provider["error"].as_str() {
        return vec![name, "no answer".to_owned(), error.to_owned(), String::new()];
    }
    vec![name, provider["models"].to_string(), names(&provider["added"]), names(&provider["gone"])]
}

fn names(list: &Value) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut shown: Vec<&str> = list.iter().filter_map(Value::as_str).take(SHOWN_MAX).collect();
    if list.len() > SHOWN_MAX {
        shown.push("…");
    }
    match list.len() {
        0 => String::new(),
        count => format!("{count}: {}", shown.join(", ")),
    }
}
