//! `backstay login`: devices that ask for a key.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::key::Settings;
use crate::{
    client::{Client, Connection},
    output::Output,
};

/// Approve or deny the login of a device that shows a code.
#[derive(Args)]
pub(crate) struct Login {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Let the device have a key of its own. Unless told, it may not manage.
    Approve {
        /// The code that the device shows, such as BCDF-GHJK.
        code: String,
        /// The key's name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Box<Settings>,
    },
    /// Refuse it a key.
    Deny {
        /// The code that the device shows.
        code: String,
    },
}

impl Login {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        let (code, verb, body) = match self.action {
            Action::Approve { code, name, settings } => {
                let mut body = settings.body();
                if let Some(name) = name {
                    body["name"] = Value::from(name);
                }
                (code, "approve", body)
            }
            Action::Deny { code } => (code, "deny", json!({})),
        };
        let path = format!("/backstay/v1/device-logins/{code}/{verb}");
        let decided: Value = client.post(&path, &body).await?;
        output.show(&decided, |decided| match decided["approved"].as_bool() {
            Some(true) => format!("{code} is approved: the device gets its key in a moment."),
            _ => format!("{code} is denied."),
        });
        Ok(ExitCode::SUCCESS)
    }
}
