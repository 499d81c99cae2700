//! `backstay import`: conversations, or another gateway's configuration.

mod conversations;
mod litellm;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use conversations::ImportFile;
use litellm::ImportLitellm;

pub(crate) use conversations::{progress, send};

use crate::{client::Connection, output::Output};

/// Bring conversations into memory from a file, or the configuration of another gateway.
///
/// Reads exports of ChatGPT and Claude (the ZIP file as it was downloaded, or the conversations.json
/// in it), plain chat JSON (see examples/README.md) and LoCoMo files. Importing the same file again
/// adds nothing. Memories without conversations are read by `backstay memory import`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Import {
    #[command(subcommand)]
    configuration: Option<Configuration>,
    #[command(flatten)]
    conversations: Option<ImportFile>,
}

#[derive(Subcommand)]
enum Configuration {
    Litellm(ImportLitellm),
}

impl Import {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        match (self.configuration, self.conversations) {
            (Some(Configuration::Litellm(command)), _) => command.run(output),
            (None, Some(command)) => command.run(connection, output).await,
            (None, None) => bail!("name the file to import"),
        }
    }
}
