//! `backstay import FILE`: conversations from a file into memory.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    client::{Client, Connection},
    import::{self, Conversation, Session},
    output::Output,
};

#[derive(Args)]
pub(crate) struct ImportFile {
    /// Conversations: an export of ChatGPT or Claude, plain chat JSON or a LoCoMo file.
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

impl ImportFile {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        if import::is_archive(&self.file) {
            return self.run_archive(&client, output).await;
        }
        let conversations = import::read(&self.file)?;
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

    /// Sends conversations while the next ones are read; neither the archive nor its list of
    /// conversations is ever whole in memory.
    async fn run_archive(self, client: &Client, output: Output) -> Result<ExitCode> {
        let (ready, mut sessions) = mpsc::channel(SESSIONS_AHEAD);
        let file = self.file.clone();
        let reading = tokio::task::spawn_blocking(move || {
            import::each_session(&file, |session| {
                ready.blocking_send(session).map_err(|_| anyhow!("the import was ended"))
            })
        });
        let progress =
            if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let mut total = ArchiveImported::default();
        while let Some(session) = sessions.recv().await {
            let done = send(client, &session, &self.assistant, self.user.as_deref()).await?;
            total.conversations += 1;
            total.added += done.added;
            total.known += done.known;
            progress.set_message(format!(
                "{} conversations, {} turns",
                total.conversations,
                total.added + total.known
            ));
            progress.tick();
        }
        progress.finish_and_clear();
        for line in reading.await??.lines() {
            output.note(&format!("left out: {line}"));
        }
        output.show(&total, |total| {
            let ArchiveImported { conversations, added, known } = total;
            format!("{conversations} conversations: {added} turns added, {known} known before")
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// Conversations that are read before they are sent.
const SESSIONS_AHEAD: usize = 4;

#[derive(Default, Serialize)]
struct ArchiveImported {
    conversations: usize,
    added: usize,
    known: usize,
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
