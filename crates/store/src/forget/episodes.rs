//! Deleting a turn: its row, its vectors, its words in the thread, and the block that knows them.

use backstay_core::{
    EpisodeId, Result, ThreadId, WorkspaceId,
    chat::{Message, Part},
    memory::Scope,
};

use crate::{
    db::{Failure, Session, statements, values},
    history_summaries,
    messages::to_json,
    threads::scope,
    word_blocks,
};

/// What stands in a thread where something was forgotten.
const FORGOTTEN: &str = "[forgotten]";

statements! {
    /// No constraint does it where vectors and episodes are kept by month.
    DELETE_VECTORS = "DELETE FROM episode_vectors WHERE workspace = $1 AND episode = $2";
    DELETE = "DELETE FROM episodes WHERE workspace = $1 AND id = $2
        RETURNING assistant, user_name, thread, position, sequence";
    MESSAGE = "SELECT content FROM messages
        WHERE workspace = $1 AND thread = $2 AND position = $3";
    REPLACE = "UPDATE messages SET content = $1
        WHERE workspace = $2 AND thread = $3 AND position = $4";
}

/// Deletes a turn, and its words in the thread unless these are to stay; the scope that it was in, `None` when there is no such turn.
pub(super) fn forget_episode(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &EpisodeId,
    keeps_words: bool,
) -> Result<Option<Scope>, Failure> {
    session.execute(DELETE_VECTORS, values![workspace, id])?;
    let deleted = session.one(DELETE, values![workspace, id], |row| {
        let sequence = row.get::<u64>(4)?;
        Ok((scope(row, 0)?, row.get::<ThreadId>(2)?, row.get::<u32>(3)?, sequence))
    })?;
    let Some((scope, thread, position, sequence)) = deleted else {
        return Ok(None);
    };
    word_blocks::forget(session, workspace, &scope, sequence)?;
    history_summaries::delete(session, workspace, &thread)?;
    if keeps_words {
        return Ok(Some(scope));
    }
    let found = session.one(MESSAGE, values![workspace, &thread, position], |row| row.json(0))?;
    if let Some(message) = found.flatten() {
        let content = to_json(&without_words(message))?;
        session.execute(REPLACE, values![&content, workspace, &thread, position])?;
    }
    Ok(Some(scope))
}

/// Keeps tool calls and their results, because a provider refuses a history in which one of the two
/// is missing, and media.
fn without_words(mut message: Message) -> Message {
    message.parts.retain(|part| match part {
        Part::Text { .. } | Part::Reasoning { .. } | Part::Refusal { .. } | Part::Recalled(_) => {
            false
        }
        Part::Image(_) | Part::File(_) | Part::Audio(_) => true,
        Part::ToolCall(_) | Part::ToolResult { .. } => true,
    });
    message.parts.insert(0, Part::Text { text: FORGOTTEN.to_owned() });
    message
}
