//! Whether a turn was learned from yet, and what came of it: read from the job, from how far its thread
//! was learned from, and from the statements that rest on the turn.

use backstay_core::{MemoryId, MemoryOperationId, Result, ThreadId, Timestamp, WorkspaceId};

use crate::{
    JobState, LEARN_JOB, Workspace,
    db::{Failure, Session, statements, values},
};

/// How far the learning is that a turn asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationState {
    Pending,
    InProgress,
    Completed,
    Failed,
}

/// A statement that changed because of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationChange {
    pub id: MemoryId,
    pub kind: ChangeKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Updated,
    /// Another statement took its place.
    Superseded,
}

/// What a client that waits for memory is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryOperation {
    pub id: MemoryOperationId,
    pub state: OperationState,
    pub changes: Vec<OperationChange>,
    pub created_at: Timestamp,
}

statements! {
    ADD = "INSERT INTO memory_operations (workspace, id, thread, first, last, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    ONE = "SELECT thread, first, last, created_at FROM memory_operations
        WHERE workspace = $1 AND id = $2";
    JOB = "SELECT state FROM jobs WHERE workspace = $1 AND kind = $2 AND key = $3";
    LEARNED = "SELECT position FROM learned WHERE workspace = $1 AND thread = $2";
    RESTING = "SELECT DISTINCT s.id, s.version, s.text
        FROM episodes AS e
        CROSS JOIN statement_sources AS q
        CROSS JOIN statements AS s
        WHERE e.workspace = $1 AND e.thread = $2 AND e.position >= $3 AND e.position <= $4
            AND q.workspace = e.workspace AND q.episode = e.id
            AND s.workspace = q.workspace AND s.id = q.id AND s.version = q.version
            AND s.retracted_at IS NULL
        ORDER BY s.id";
    SUPERSEDED = "SELECT id, text FROM statements WHERE workspace = $1 AND superseded_by = $2
        ORDER BY id";
}

impl Workspace {
    pub async fn memory_operation(
        &self,
        id: &MemoryOperationId,
    ) -> Result<Option<MemoryOperation>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let found = session.one(ONE, values![workspace, &id], |row| {
                Ok(Turn {
                    thread: row.get(0)?,
                    first: row.get(1)?,
                    last: row.get(2)?,
                    at: row.get(3)?,
                })
            })?;
            let Some(turn) = found else { return Ok(None) };
            let state = state(session, workspace, &turn)?;
            let changes = match state {
                OperationState::Completed => changes(session, workspace, &turn)?,
                _ => Vec::new(),
            };
            Ok(Some(MemoryOperation { id, state, changes, created_at: turn.at }))
        })
        .await
    }
}

struct Turn {
    thread: ThreadId,
    first: u32,
    last: u32,
    at: Timestamp,
}

/// Notes that a client waits for a turn whose messages have these positions.
pub(crate) fn add(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &MemoryOperationId,
    (thread, first, last): (&ThreadId, u32, u32),
    now: Timestamp,
) -> Result<(), Failure> {
    session.execute(ADD, values![workspace, id, thread, first, last, now])?;
    Ok(())
}

/// A job is there while its work is wanted; where nobody learns there never is one.
fn state(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    turn: &Turn,
) -> Result<OperationState, Failure> {
    let job = session.one(JOB, values![workspace, LEARN_JOB, &turn.thread], |row| row.get(0))?;
    let Some(job) = job else { return Ok(OperationState::Completed) };
    let learned: Option<u32> =
        session.one(LEARNED, values![workspace, &turn.thread], |row| row.get(0))?;
    if learned.is_some_and(|position| position > turn.last) {
        return Ok(OperationState::Completed);
    }
    Ok(match job {
        JobState::Ready => OperationState::Pending,
        JobState::Leased => OperationState::InProgress,
        JobState::Dead => OperationState::Failed,
    })
}

fn changes(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    turn: &Turn,
) -> Result<Vec<OperationChange>, Failure> {
    let values = values![workspace, &turn.thread, turn.first, turn.last];
    let mut changes = session.all(RESTING, values, |row| {
        let kind = if row.get::<u32>(1)? == 1 { ChangeKind::Added } else { ChangeKind::Updated };
        Ok(OperationChange { id: row.get(0)?, kind, text: row.get(2)? })
    })?;
    for index in 0..changes.len() {
        let ended = session.all(SUPERSEDED, values![workspace, &changes[index].id], |row| {
            Ok(OperationChange { id: row.get(0)?, kind: ChangeKind::Superseded, text: row.get(1)? })
        })?;
        changes.extend(ended);
    }
    Ok(changes)
}
