//! Messages of a thread.

use backstay_core::{
    Error, GenerationId, MessageId, Result, ThreadId, Timestamp, WorkspaceId,
    chat::{Message, Role},
    limits,
};
use serde_json::{Map, Value};

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
};

/// A message to be added to a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    pub id: MessageId,
    /// The name of who spoke.
    pub author: String,
    pub message: Message,
    pub said_at: Timestamp,
    /// The answer broke off.
    pub incomplete: bool,
    /// What its client keeps beside it.
    pub metadata: Option<Map<String, Value>>,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    pub id: MessageId,
    /// Its place within the thread, from 0.
    pub position: u32,
    pub author: String,
    pub message: Message,
    pub said_at: Timestamp,
    /// The model call in which it was said; `None` when it was imported.
    pub generation: Option<GenerationId>,
    pub incomplete: bool,
    pub metadata: Option<Map<String, Value>>,
}

impl StoredMessage {
    /// Providers refuse a history with a message in which nothing is.
    pub fn says_something(&self) -> bool {
        !self.message.parts.is_empty()
    }
}

statements! {
    INSERT = "INSERT INTO messages
            (workspace, thread, position, id, role, content, author, said_at, generation, incomplete,
             metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    LAST = "SELECT id, position, author, content, said_at, generation, incomplete, metadata
        FROM messages WHERE workspace = $1 AND thread = $2 ORDER BY position DESC LIMIT $3";
    FIRST_OF = "SELECT content FROM messages
        WHERE workspace = $1 AND thread = $2 AND role = $3 ORDER BY position LIMIT 1";
    TURN = "SELECT id, position, author, content, said_at, generation, incomplete, metadata
        FROM messages WHERE workspace = $1 AND thread = $2 AND generation = $3 ORDER BY position";
}

impl Workspace {
    /// The last messages of a thread, at most `last` and at most 10,000, in the order in which they
    /// were said.
    pub async fn thread_messages(
        &self,
        thread: &ThreadId,
        last: usize,
    ) -> Result<Vec<StoredMessage>> {
        let (thread, last) = (thread.clone(), last.min(limits::MESSAGES_MAX));
        self.read(move |session, workspace| {
            let mut messages = session.all(LAST, values![workspace, &thread, last], message)?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }

    /// The first thing that a user said in a thread.
    pub async fn first_said(&self, thread: &ThreadId) -> Result<Option<Message>> {
        let thread = thread.clone();
        self.read(move |session, workspace| {
            let values = values![workspace, &thread, Role::User];
            Ok(session.one(FIRST_OF, values, |row| row.json(0))?.flatten())
        })
        .await
    }

    /// The messages of a thread that one call added to it, in the order in which they were said.
    pub async fn turn_messages(
        &self,
        thread: &ThreadId,
        generation: &GenerationId,
    ) -> Result<Vec<StoredMessage>> {
        let (thread, generation) = (thread.clone(), generation.clone());
        self.read(move |session, workspace| {
            session.all(TURN, values![workspace, &thread, &generation], message)
        })
        .await
    }
}

pub(crate) fn insert(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    position: u32,
    generation: Option<&GenerationId>,
    new: &NewMessage,
) -> Result<(), Failure> {
    let NewMessage { id, author, message, said_at, incomplete, metadata } = new;
    let content = to_json(message)?;
    let metadata = metadata.as_ref().map(to_json).transpose()?;
    session.execute(
        INSERT,
        values![
            workspace,
            thread,
            position,
            id,
            message.role,
            &content,
            author,
            *said_at,
            generation,
            *incomplete,
            metadata.as_ref(),
        ],
    )?;
    Ok(())
}

pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, Failure> {
    let text = serde_json::to_string(value);
    text.map_err(|cause| Error::internal(format!("not storable as JSON: {cause}")).into())
}

fn message(row: &Row<'_>) -> Result<StoredMessage, Failure> {
    let content = row.json(3)?;
    Ok(StoredMessage {
        id: row.get(0)?,
        position: row.get(1)?,
        author: row.get(2)?,
        message: content.ok_or_else(|| Error::internal("a stored message has no content"))?,
        said_at: row.get(4)?,
        generation: row.get(5)?,
        incomplete: row.get(6)?,
        metadata: row.json(7)?,
    })
}
