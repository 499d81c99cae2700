//! Conversations in the files that people have, as what the server imports.

mod archive;
mod chatgpt;
mod claude;
mod locomo;
mod plain;
mod skipped;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

pub(crate) use archive::{each_session, is_archive};

/// A file of this size is a lifetime of conversation.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// One conversation between the same people, over as many sessions as it took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) title: String,
    pub(crate) sessions: Vec<Session>,
    /// Questions that the file asks of memory, with the turns that answer them.
    pub(crate) questions: Vec<Question>,
    /// What was left out, and why; shown to the person who imports.
    pub(crate) skipped: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// RFC 3339.
    pub(crate) started_at: String,
    pub(crate) turns: Vec<Turn>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Turn {
    pub(crate) id: String,
    pub(crate) author: String,
    /// `user` or `assistant`; people are users.
    pub(crate) role: &'static str,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) said_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub(crate) ask: String,
    /// Ids of turns that must all be recalled; none when nothing in the conversation answers it.
    pub(crate) evidence: Vec<String>,
}

/// Reads a file in any of the known shapes: plain chat JSON, an export of ChatGPT or Claude, a
/// LoCoMo file. A file
/// may hold several conversations.
pub(crate) fn read(path: &Path) -> Result<Vec<Conversation>> {
    let size =
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("{} is larger than {FILE_BYTES_MAX} bytes; split it", path.display());
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} cannot be imported", path.display()))
}

pub(crate) fn parse(text: &str) -> Result<Vec<Conversation>> {
    let value: Value = serde_json::from_str(text).context("it is not JSON")?;
    let items = match value {
        Value::Array(items) => items,
        single => vec![single],
    };
    let Some(first) = items.first() else {
        bail!("it is an empty list");
    };
    let conversations: Vec<Conversation> = if first.get("mapping").is_some() {
        vec![chatgpt::conversation(&items)]
    } else if claude::is_conversation(first) {
        vec![claude::conversation(&items)]
    } else if first.get("conversation").is_some_and(|inner| inner.get("speaker_a").is_some()) {
        items.iter().map(locomo::conversation).collect::<Result<_>>()?
    } else if first.get("sessions").is_some() {
        items.iter().map(plain::conversation).collect::<Result<_>>()?
    } else {
        bail!(
            "it has none of the known shapes: plain chat JSON (\"sessions\"), an export of ChatGPT \
             (\"mapping\") or Claude (\"chat_messages\"), or LoCoMo (\"conversation\" with \
             \"speaker_a\"); memories without conversations are read by `backstay memory import`"
        );
    };
    if conversations.iter().all(|conversation| conversation.sessions.is_empty()) {
        bail!("it holds no turns");
    }
    Ok(conversations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_holds_a_year_and_every_piece_of_evidence() {
        let example = include_str!("../../../../examples/conversation.json");
        let conversation = parse(example).unwrap().remove(0);
        assert!(conversation.sessions.len() >= 8);
        let ids: Vec<&str> = conversation
            .sessions
            .iter()
            .flat_map(|session| &session.turns)
            .map(|turn| turn.id.as_str())
            .collect();
        assert!(ids.len() >= 150);
        for evidence in conversation.questions.iter().flat_map(|question| &question.evidence) {
            assert!(ids.contains(&evidence.as_str()), "{evidence}");
        }
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_the_known_ones() {
        for bad in ["not json", "[]", "{\"messages\": []}", "{\"sessions\": []}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
