//! Conversations that took place elsewhere, into threads and memory.

use backstay_core::{
    CallContext, EpisodeId, Error, Name, Result, ThreadId, Timestamp, limits,
    memory::{Scope, Speaker},
};
use backstay_store::{ImportedThread, ImportedTurn};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::Engine;

const SOURCE: &str = "import";
const TURNS_MAX: usize = limits::MESSAGES_MAX;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    #[serde(default)]
    pub assistant: Option<Name>,
    #[serde(default)]
    pub user: Option<Name>,
    pub session: ImportSession,
}

/// One sitting; it becomes one thread.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportSession {
    /// The session's name where it comes from; with the scope it decides which thread it is.
    pub id: String,
    #[serde(default)]
    pub title: Option<String>,
    pub started_at: Timestamp,
    pub turns: Vec<ImportTurn>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTurn {
    pub id: String,
    pub author: String,
    #[serde(default = "user")]
    pub role: Speaker,
    pub text: String,
    /// The session's start when absent.
    #[serde(default)]
    pub said_at: Option<Timestamp>,
}

fn user() -> Speaker {
    Speaker::User
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    pub thread: ThreadId,
    /// Turns that are new.
    pub added: usize,
    /// Turns that an earlier import brought.
    pub known: usize,
    /// Turns that were forgotten here; they do not come back.
    pub forgotten: usize,
    pub episodes: Vec<ImportedEpisode>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedEpisode {
    pub turn: String,
    pub episode: EpisodeId,
}

impl Engine {
    /// Imports one session. Importing it again adds only turns that are new.
    pub async fn import(
        &self,
        context: &CallContext,
        request: ImportRequest,
    ) -> Result<ImportReport> {
        check(&request.session)?;
        let assistant = request.assistant.unwrap_or_else(Name::default_assistant);
        let scope = Scope { assistant, user: request.user };
        let session = request.session;
        let turns = session.turns.iter().map(|turn| ImportedTurn {
            speaker: turn.role,
            author: turn.author.clone(),
            text: turn.text.trim().to_owned(),
            said_at: turn.said_at.unwrap_or(session.started_at),
        });
        let imported = ImportedThread {
            scope,
            source: SOURCE.to_owned(),
            external_id: Some(session.id),
            title: session.title,
            turns: turns.collect(),
            imported_at: self.clock().now(),
        };
        let store = self.store().workspace(&context.workspace);
        let outcome = store.import_conversation(imported).await?;
        let turns = session.turns.into_iter().zip(outcome.ids);
        let report = ImportReport {
            thread: outcome.thread,
            added: outcome.episodes.len(),
            known: outcome.present,
            forgotten: outcome.forgotten,
            episodes: turns
                .filter_map(|(turn, id)| Some(ImportedEpisode { turn: turn.id, episode: id? }))
                .collect(),
        };
        if report.added > 0 {
            self.jobs().embed_soon();
            self.learn_from(context, &report.thread).await?;
        }
        Ok(report)
    }
}

fn check(session: &ImportSession) -> Result<()> {
    if !(1..=TURNS_MAX).contains(&session.turns.len()) {
        let message = format!("a session has 1 to {TURNS_MAX} turns; split a longer one");
        return Err(Error::invalid(message).with_parameter("session.turns"));
    }
    for (index, turn) in session.turns.iter().enumerate() {
        let parameter = |field| format!("session.turns[{index}].{field}");
        if turn.text.trim().is_empty() {
            return Err(Error::invalid("a turn has no text").with_parameter(parameter("text")));
        }
        if turn.text.len() > limits::EPISODE_BYTES_MAX {
            let message = format!("a turn has at most {} bytes", limits::EPISODE_BYTES_MAX);
            return Err(Error::invalid(message).with_parameter(parameter("text")));
        }
        if Name::parse(&turn.author).is_none() {
            return Err(Error::invalid("an author has 1 to 128 characters")
                .with_parameter(parameter("author")));
        }
    }
    Ok(())
}

/// 104 bits of SHA-256 over the parts with their lengths, in hexadecimal.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(13).map(|byte| format!("{byte:02x}")).collect()
}
