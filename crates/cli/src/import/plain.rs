//! Plain chat JSON: the format of `examples/`, described in `examples/README.md`.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use super::{Conversation, Question, Session, Turn};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    title: Option<String>,
    sessions: Vec<FileSession>,
    #[serde(default)]
    questions: Vec<FileQuestion>,
}

#[derive(Deserialize)]
struct FileSession {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    title: Option<String>,
    started_at: String,
    turns: Vec<FileTurn>,
}

#[derive(Deserialize)]
struct FileTurn {
    #[serde(default)]
    id: Option<String>,
    author: String,
    #[serde(default)]
    role: Option<String>,
    text: String,
    #[serde(default)]
    said_at: Option<String>,
}

#[derive(Deserialize)]
struct FileQuestion {
    ask: String,
    #[serde(default)]
    evidence: Vec<String>,
}

pub(super) fn conversation(value: &Value) -> Result<Conversation> {
    let file = File::deserialize(value).context("plain chat JSON (see examples/README.md)")?;
    let sessions = file.sessions.into_iter().enumerate();
    Ok(Conversation {
        title: file.title.unwrap_or_else(|| "conversation".to_owned()),
        sessions: sessions.map(|(index, session)| session.into_session(index)).collect(),
        questions: file
            .questions
            .into_iter()
            .map(|question| Question { ask: question.ask, evidence: question.evidence })
            .collect(),
        skipped: Vec::new(),
    })
}

impl FileSession {
    fn into_session(self, index: usize) -> Session {
        let id = self.id.unwrap_or_else(|| format!("s{:02}", index + 1));
        let turns = self.turns.into_iter().enumerate().map(|(number, turn)| Turn {
            id: turn.id.unwrap_or_else(|| format!("{id}-t{:02}", number + 1)),
            role: if turn.role.as_deref() == Some("assistant") { "assistant" } else { "user" },
            author: turn.author,
            text: turn.text,
            said_at: turn.said_at,
        });
        let turns = turns.collect();
        Session { id, title: self.title, started_at: self.started_at, turns }
    }
}
