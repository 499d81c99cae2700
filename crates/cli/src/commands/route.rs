//! `backstay route`: how calls find their endpoints.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::{
    client::{Client, Connection},
    output::Output,
    terminal::table,
};

/// Show how calls find their endpoints.
#[derive(Args)]
pub(crate) struct RouteCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Which endpoints would serve a model, in which order, and why; nothing is called.
    Explain(Explain),
}

#[derive(Args)]
struct Explain {
    /// The model, with a variant such as `:nitro` if wanted.
    model: String,
    /// Models to fall back to.
    #[arg(long)]
    fallback: Vec<String>,
    /// Only these providers.
    #[arg(long)]
    only: Vec<String>,
    /// Not these providers.
    #[arg(long)]
    ignore: Vec<String>,
    /// Sort by price, throughput or latency.
    #[arg(long)]
    sort: Option<String>,
    /// Only endpoints that neither store prompts nor train on them.
    #[arg(long)]
    zdr: bool,
    /// The whole `provider` object as JSON; the options above are added to it.
    #[arg(long, value_name = "JSON")]
    provider: Option<String>,
    /// A prompt, whose length and conversation count.
    #[arg(long)]
    prompt: Option<String>,
}

impl RouteCommand {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let Action::Explain(explain) = self.action;
        let client = Client::new(connection)?;
        let body = explain.body()?;
        let trace: Value = client.post("/backstay/v1/route/explain", &body).await?;
        output.show(&trace, shown);
        Ok(ExitCode::SUCCESS)
    }
}

impl Explain {
    fn body(self) -> Result<Value> {
        let mut provider: Map<String, Value> = match &self.provider {
            Some(text) => serde_json::from_str(text).context("--provider is not a JSON object")?,
            None => Map::new(),
        };
        for (name, names) in [("only", self.only), ("ignore", self.ignore)] {
            if !names.is_empty() {
                provider.insert(name.to_owned(), json!(names));
            }
        }
        if let Some(sort) = self.sort {
            provider.insert("sort".to_owned(), Value::from(sort));
        }
        if self.zdr {
            provider.insert("zdr".to_owned(), Value::Bool(true));
        }
        let mut body = json!({"model": self.model, "provider": provider});
        if !self.fallback.is_empty() {
            body["models"] = json!(self.fallback);
        }
        if let Some(prompt) = self.prompt {
            body["messages"] = json!([{"role": "user", "content": prompt}]);
        }
        Ok(body)
    }
}

fn shown(trace: &Value) -> String {
    let candidates = trace["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<Vec<String>> = candidates.iter().map(row).collect();
    let header = ["", "endpoint", "for", "cost $", "health", "first token ms", "why not"];
    let mut text = format!("Strategy: {}\n\n", trace["strategy"].as_str().unwrap_or_default());
    text.push_str(&table(&header, &rows));
    if let Some(affinity) = trace.get("affinity").filter(|value| !value.is_null()) {
        text.push_str(&format!(
            "\n\nWarm cache at {} ({} tokens, leaving costs {} $): {}",
            plain(&affinity["endpoint"]),
            affinity["warm_tokens"],
            plain(&affinity["cost_of_leaving"]),
            plain(&affinity["reason"])
        ));
    }
    if let Some(names) = trace["passed_on"].as_array() {
        let names: Vec<String> = names.iter().map(plain).collect();
        text.push_str(&format!("\n\nLeft to the provider that passes it on: {}", names.join(", ")));
    }
    text
}

fn row(candidate: &Value) -> Vec<String> {
    let health = &candidate["health"];
    vec![
        candidate["place"].as_u64().map(|place| place.to_string()).unwrap_or_default(),
        plain(&candidate["endpoint"]),
        plain(&candidate["requested"]),
        plain(&candidate["expected_cost"]),
        plain(&health["standing"]),
        health["first_token_ms_p50"].as_f64().map(|ms| format!("{ms:.0}")).unwrap_or_default(),
        plain(&candidate["removed"]["reason"]),
    ]
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
