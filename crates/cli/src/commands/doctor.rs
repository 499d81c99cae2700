//! `backstay doctor`: is everything well, and what to do where it is not.

mod database;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{
    client::{Client, Connection},
    output::Output,
};

/// Check the installation and say what to do about what is wrong.
#[derive(Args)]
pub(crate) struct Doctor {}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    /// It works, and is not as it should be.
    warning: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        let findings = examine(&client).await;
        let well = findings.iter().all(|finding| finding.ok);
        output.show(&findings, |findings| findings.iter().map(line).collect::<Vec<_>>().join("\n"));
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn line(finding: &Finding) -> String {
    let mark = match finding {
        Finding { ok: false, .. } => "FAIL",
        Finding { warning: true, .. } => "warn",
        _ => "ok  ",
    };
    let advice = finding.advice.as_ref().map_or(String::new(), |text| format!("\n      {text}"));
    format!("{mark}  {}: {}{advice}", finding.check, finding.found)
}

async fn examine(client: &Client) -> Vec<Finding> {
    let health = client.get::<Value>("/health").await;
    let server = match &health {
        Ok(body) => finding("server", format!("{} runs {}", client.url(), text(body, "version"))),
        Err(error) => return vec![failure("server", error.to_string(), None)],
    };
    let status = match client.get::<Value>("/backstay/v1/status").await {
        Ok(status) => status,
        Err(error) => return vec![server, failure("key", error.to_string(), None)],
    };
    let mut findings = vec![server, finding("key", "accepted".to_owned()), store(&status["store"])];
    findings.extend(database::examine(&status["store"]["database"]));
    findings.extend([
        embedding(&status["embedding"]),
        learning(&status["learning"]),
        providers(&status["providers"]),
    ]);
    findings
}

fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn finding(check: &'static str, found: String) -> Finding {
    Finding { check, ok: true, warning: false, found, advice: None }
}

fn failure(check: &'static str, found: String, advice: Option<String>) -> Finding {
    Finding { check, ok: false, warning: false, found, advice }
}

fn warning(check: &'static str, found: String, advice: String) -> Finding {
    Finding { check, ok: true, warning: true, found, advice: Some(advice) }
}

fn store(store: &Value) -> Finding {
    let version = text(store, "version");
    let place = match (store["path"].as_str(), &store["connections"]) {
        (Some(path), _) => format!("SQLite {version} in {path}"),
        (None, connections) => format!(
            "PostgreSQL {version}, {} of {} connections in use",
            text(connections, "in_use"),
            text(connections, "max")
        ),
    };
    let (schema, size) = (text(store, "schema_version"), text(store, "size_bytes"));
    finding("store", format!("{place}, schema {schema}, {size} bytes"))
}

fn embedding(embedding: &Value) -> Finding {
    match embedding["model"].as_str() {
        Some(model) => finding(
            "embedding",
            format!(
                "{model} (revision {}, {} dimensions); {} turns still to embed",
                text(embedding, "revision"),
                text(embedding, "dimension"),
                text(embedding, "pending")
            ),
        ),
        None => failure(
            "embedding",
            format!("none in {}: recall uses words and structure only", text(embedding, "folder")),
            Some("run `backstay models pull`, then start the server again".to_owned()),
        ),
    }
}

fn learning(learning: &Value) -> Finding {
    let Some(model) = learning["model"].as_str() else {
        let off = "off: turns are remembered as they were said";
        return finding("learning", off.to_owned());
    };
    let found = format!(
        "{model}; {} threads wait, {} failed",
        text(learning, "pending"),
        text(learning, "failed")
    );
    match learning["last_error"].as_str() {
        Some(error) if learning["failed"] != 0 => {
            failure("learning", format!("{found}: {error}"), None)
        }
        Some(error) => finding("learning", format!("{found}; last: {error}")),
        None => finding("learning", found),
    }
}

/// Built-in models alone are a working installation, so having no provider is said, not failed.
fn providers(providers: &Value) -> Finding {
    let all = providers.as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<String> = all.iter().map(|provider| text(provider, "id")).collect();
    let advice = (names.len() <= 1).then(|| {
        "only built-in models; set OPENROUTER_API_KEY, OPENAI_API_KEY, ANTHROPIC_API_KEY or another \
         provider's key, or start Ollama, and start the server again"
            .to_owned()
    });
    Finding { check: "providers", ok: true, warning: false, found: names.join(", "), advice }
}
