//! `backstay import`: conversations from a file into memory.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    client::{Client, Connection},
    import::{self, Conversation, Session},
    output::Output,
};

/// Bring conversations into memory from a file.
///
/// Reads plain chat JSON (see examples/README.md), a ChatGPT export (conversations.json) or a LoCoMo
/// file. Importing the same file again adds nothing.
#[derive(Args)]
pub(crate) struct Import {
    file: PathBuf,
    #[arg(long, default_value = "default")]
    assistant: String,
    #[arg(long)]
    user: Option<String>,
}

/// What the server says of one imported session.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Imported {
    pub(crate) thread: String,
    pub(crate) added: usize,
    pub(crate) known: usize,
    /// The episode of each turn, by the turn's id in the file.
    pub(crate) episodes: Vec<ImportedTurn>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct ImportedTurn {
    pub(crate) turn: String,
    pub(crate) episode: String,
}

impl Import {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let conversations = import::read(&self.file)?;
        let client = Client::new(connection)?;
        let mut imported = Vec::new();
        for conversation in &conversations {
            let progress = progress(conversation, output);
            for session in &conversation.sessions {
                imported.push(send(&client, session, &self.assistant, self.user.as_deref()).await?);
                progress.inc(session.turns.len() as u64);
            }
            progress.finish_and_clear();
            for line in &conversation.skipped {
                output.note(&format!("left out: {line}"));
            }
        }
        output.show(&imported, |imported| {
            let added: usize = imported.iter().map(|session| session.added).sum();
            let known: usize = imported.iter().map(|session| session.known).sum();
            format!("{} sessions: {added} turns added, {known} known before", imported.len())
        });
        Ok(ExitCode::SUCCESS)
    }
}

pub(crate) fn progress(conversation: &Conversation, output: Output) -> ProgressBar {
    let turns = conversation.sessions.iter().map(|session| session.turns.len() as u64).sum();
    if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(turns) }
}

/// Imports one session.
pub(crate) async fn send(
    client: &Client,
    session: &Session,
    assistant: &str,
    user: Option<&str>,
) -> Result<Imported> {
    let body = json!({"assistant": assistant, "user": user, "session": session});
    client.post("/backstay/v1/conversations", &body).await
}
