//! `backstay models --prices MODEL`: what a model has cost, and since when.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use super::per_million;
use crate::{
    client::{Client, query},
    output::Output,
    terminal::table,
};

pub(super) async fn show(client: &Client, model: &str, output: Output) -> Result<ExitCode> {
    let asked = query(&[("model", Some(model))]);
    let history: Value = client.get(&format!("/backstay/v1/prices{asked}")).await?;
    output.show(&history, |history| {
        let changes = history["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        if changes.is_empty() {
            return format!("No price of {model} is known.");
        }
        let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
        table(&["endpoint", "since", "prompt $/M", "completion $/M", "source", "as of"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn row(change: &Value) -> Vec<String> {
    let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
    vec![
        text("endpoint"),
        text("recorded_at"),
        per_million(&change["price"]["prompt"]),
        per_million(&change["price"]["completion"]),
        text("source"),
        text("as_of"),
    ]
}
