//! `backstay workspace`: what holds for every call of the workspace.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    client::{Client, Connection},
    output::Output,
};

const PATH: &str = "/backstay/v1/workspace";

#[derive(Args)]
pub(crate) struct Workspace {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// How the workspace is set.
    Show,
    /// Change it.
    Set {
        /// What becomes of model calls while a shared database is not to be reached: refused, or answered
        /// without memory and entered in the ledger later.
        #[arg(long, value_parser = ["refuse", "answer_without_memory"])]
        when_store_is_away: String,
    },
}

impl Workspace {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        let settings: Value = match self.action {
            Action::Show => client.get(PATH).await?,
            Action::Set { when_store_is_away } => {
                client.put(PATH, &json!({"when_store_is_away": when_store_is_away})).await?
            }
        };
        output.show(&settings, |settings| {
            let when = settings["when_store_is_away"].as_str().unwrap_or_default();
            format!("while the store is away: {}", when.replace('_', " "))
        });
        Ok(ExitCode::SUCCESS)
    }
}
