//! `backstay key`: API keys of a running server.

mod settings;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) use self::settings::Settings;
use crate::{
    client::{Client, Connection, query},
    output::Output,
    terminal::table,
};

/// Make, limit, rotate and take back API keys.
#[derive(Args)]
pub(crate) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key; it is shown once.
    Create {
        /// For people, to tell keys apart.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List keys, oldest first.
    List,
    /// Show one key, with its limits and what it has spent of its budgets.
    Show {
        /// The key's id, `key_…`.
        id: String,
    },
    /// Rename or limit a key. What is not given stays as it is.
    Update {
        /// The key's id, `key_…`.
        id: String,
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give a key another text; the one that it has goes on working for a while.
    Rotate {
        /// The key's id, `key_…`.
        id: String,
        /// Seconds for which the text that it has now is still accepted [default: a day].
        #[arg(long)]
        grace: Option<u32>,
    },
    /// Stop a key from working, until it is enabled again.
    Disable {
        /// The key's id, `key_…`.
        id: String,
    },
    /// Let a disabled key work again.
    Enable {
        /// The key's id, `key_…`.
        id: String,
    },
    /// Take a key back for good. Its calls stay in the ledger.
    Delete {
        /// The key's id, `key_…`.
        id: String,
    },
}

impl KeyCommand {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        match self.action {
            Action::Create { name, settings } => {
                let mut body = settings.body();
                body["name"] = Value::from(name);
                let made: Value = client.post("/backstay/v1/keys", &body).await?;
                show_issued(&made, output);
            }
            Action::List => list(&client, output).await?,
            Action::Show { id } => show(&client.get(&path(&id)).await?, output),
            Action::Update { id, name, settings } => {
                let mut body = settings.body();
                if let Some(name) = name {
                    body["name"] = Value::from(name);
                }
                show(&client.patch(&path(&id), &body).await?, output);
            }
            Action::Rotate { id, grace } => {
                let body = json!({"grace_seconds": grace});
                let rotated = client.post(&format!("{}/rotate", path(&id)), &body).await?;
                show_issued(&rotated, output);
            }
            Action::Disable { id } => {
                show(&client.patch(&path(&id), &json!({"disabled": true})).await?, output);
            }
            Action::Enable { id } => {
                show(&client.patch(&path(&id), &json!({"disabled": false})).await?, output);
            }
            Action::Delete { id } => {
                client.send(Method::DELETE, &path(&id), None).await?;
                let deleted = json!({"id": id, "deleted": true});
                output.show(&deleted, |_| format!("{id} is deleted."));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn path(id: &str) -> String {
    format!("/backstay/v1/keys/{id}")
}

async fn list(client: &Client, output: Output) -> Result<()> {
    let mut keys: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let query = query(&[("limit", Some("200")), ("cursor", cursor.as_deref())]);
        let mut page: Value = client.get(&format!("/backstay/v1/keys{query}")).await?;
        if let Some(items) = page["data"].as_array_mut() {
            keys.append(items);
        }
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    output.show(&json!({"data": keys}), |_| {
        let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
        table(&["id", "key", "name", "state", "scopes", "budgets"], &rows)
    });
    Ok(())
}

fn row(key: &Value) -> Vec<String> {
    ["id", "label", "name"]
        .into_iter()
        .map(|field| text(key, field))
        .chain([state(key), words(&key["scopes"]), budgets(key)])
        .collect()
}

fn text(key: &Value, field: &str) -> String {
    key[field].as_str().unwrap_or_default().to_owned()
}

fn words(list: &Value) -> String {
    let all = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    all.collect::<Vec<_>>().join(", ")
}

fn state(key: &Value) -> String {
    if let Some(at) = key["disabled_at"].as_str() {
        return format!("disabled {at}");
    }
    key["expires_at"].as_str().map_or_else(|| "enabled".to_owned(), |at| format!("until {at}"))
}

fn budgets(key: &Value) -> String {
    let all = key["budgets"].as_array().into_iter().flatten().map(|budget| {
        let field = |name: &str| budget[name].as_str().unwrap_or("?");
        format!("${} of ${} per {}", field("spent"), field("limit"), field("period"))
    });
    all.collect::<Vec<_>>().join("; ")
}

fn show(key: &Value, output: Output) {
    output.show(key, |key| {
        let mut lines = vec![
            ("id", text(key, "id")),
            ("key", text(key, "label")),
            ("name", text(key, "name")),
            ("state", state(key)),
            ("made", text(key, "created_at")),
            ("scopes", words(&key["scopes"])),
        ];
        let limits = key["rate_limits"].as_array().into_iter().flatten().map(|limit| {
            let field = |name: &str| limit[name].to_string().trim_matches('"').to_owned();
            format!("{} {} per {}", field("limit"), field("of"), field("per"))
        });
        let optional = [
            ("budgets", budgets(key)),
            ("limits", limits.collect::<Vec<_>>().join("; ")),
            ("models", words(&key["policy"]["allow_models"])),
            ("never", words(&key["policy"]["deny_models"])),
            ("providers", words(&key["policy"]["allow_providers"])),
        ];
        lines.extend(optional.into_iter().filter(|(_, value)| !value.is_empty()));
        let line = |(name, value): &(&str, String)| format!("{name:<10} {value}");
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    });
}

fn show_issued(key: &Value, output: Output) {
    output.show(key, |key| text(key, "key"));
    if !output.is_json() {
        output.note(&format!(
            "Key {} ({}); it is stored nowhere and shown this once.",
            text(key, "id"),
            text(key, "name")
        ));
    }
}
