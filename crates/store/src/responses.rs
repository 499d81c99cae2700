//! Kept answers of OpenAI's Responses: which thread and which turns of it each one stands for.

use backstay_core::{GenerationId, Result, ThreadId, Timestamp, WorkspaceId};

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
};

/// How far back a chain of answers is followed.
const TURNS_MAX: usize = 1_000;

/// An answer to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewResponse {
    pub generation: GenerationId,
    pub thread: ThreadId,
    /// The answer that this one went on from.
    pub previous: Option<GenerationId>,
    pub created_at: Timestamp,
    /// JSON of the response without what was said.
    pub body: String,
}

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    pub thread: ThreadId,
    pub previous: Option<GenerationId>,
    pub body: String,
}

/// Where a chain of answers was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseChain {
    pub thread: ThreadId,
    /// The turns of the thread that belong to it, oldest first.
    pub turns: Vec<GenerationId>,
}

statements! {
    /// Nothing, when the thread is not kept.
    PUT = "INSERT INTO responses (workspace, generation, thread, previous, created_at, body)
        SELECT $1, $2, id, $3, $4, $5 FROM threads WHERE workspace = $1 AND id = $6";
    ONE = "SELECT thread, previous, body FROM responses
        WHERE workspace = $1 AND generation = $2 AND deleted_at IS NULL";
    LINK = "SELECT thread, previous FROM responses WHERE workspace = $1 AND generation = $2";
    DELETE = "UPDATE responses SET body = '', deleted_at = $1
        WHERE workspace = $2 AND generation = $3 AND deleted_at IS NULL";
    LEFT = "SELECT generation FROM responses
        WHERE workspace = $1 AND thread = $2 AND deleted_at IS NULL LIMIT 1";
}

impl Workspace {
    /// Keeps an answer whose turn is in its thread. Whether it was kept: a turn in which nothing was
    /// said is not.
    pub async fn keep_response(&self, new: NewResponse) -> Result<bool> {
        self.write_beside(move |session, workspace| {
            let NewResponse { generation, thread, previous, created_at, body } = &new;
            let values =
                values![workspace, generation, previous.as_ref(), *created_at, body, thread];
            Ok(session.execute(PUT, values)? > 0)
        })
        .await
    }

    pub async fn response(&self, generation: &GenerationId) -> Result<Option<StoredResponse>> {
        let generation = generation.clone();
        self.read(move |session, workspace| one(session, workspace, &generation)).await
    }

    /// The turns that an answer stands on, its own last.
    pub async fn response_chain(&self, last: &GenerationId) -> Result<Option<ResponseChain>> {
        let last = last.clone();
        self.read(move |session, workspace| {
            let Some(stored) = one(session, workspace, &last)? else { return Ok(None) };
            let mut turns = vec![last];
            let mut previous = stored.previous;
            while let Some(generation) = previous.take().filter(|_| turns.len() < TURNS_MAX) {
                let values = values![workspace, &generation];
                let link: Option<Link> = session.one(LINK, values, link)?;
                if let Some((thread, before)) = link
                    && thread == stored.thread
                {
                    turns.push(generation);
                    previous = before;
                }
            }
            turns.reverse();
            Ok(Some(ResponseChain { thread: stored.thread, turns }))
        })
        .await
    }

    /// Deletes an answer; what was said in its turn stays for those that went on from it, until the
    /// last answer of the thread is deleted. The thread that has none left; `None` when there was no
    /// such answer.
    pub async fn delete_response(
        &self,
        generation: &GenerationId,
        now: Timestamp,
    ) -> Result<Option<Option<ThreadId>>> {
        let generation = generation.clone();
        self.write(move |session, workspace| {
            let Some(stored) = one(session, workspace, &generation)? else { return Ok(None) };
            session.execute(DELETE, values![now, workspace, &generation])?;
            let values = values![workspace, &stored.thread];
            let left: Option<GenerationId> = session.one(LEFT, values, |row| row.get(0))?;
            Ok(Some(left.is_none().then_some(stored.thread)))
        })
        .await
    }
}

fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    generation: &GenerationId,
) -> Result<Option<StoredResponse>, Failure> {
    session.one(ONE, values![workspace, generation], |row| {
        Ok(StoredResponse { thread: row.get(0)?, previous: row.get(1)?, body: row.get(2)? })
    })
}

type Link = (ThreadId, Option<GenerationId>);

fn link(row: &Row<'_>) -> Result<Link, Failure> {
    Ok((row.get(0)?, row.get(1)?))
}
