//! What of a thread is still to be learned from, and the end of learning from it: what was learned,
//! how far, and the job, in one transaction.

use backstay_core::{Result, ThreadId, Timestamp, WorkspaceId, memory::Scope};

use crate::{
    ChangeOutcome, JobState, Lease, StatementChange, StoredEpisode, Thread, ThreadSummary,
    Workspace,
    db::{Failure, Session, statements, values},
    episodes::{self, listed},
    jobs::{self, NewJob},
    scopes,
    statements::{apply, check_all},
    summaries, threads,
};

/// The kind of the jobs that learn; a job's key is the id of its thread.
pub const LEARN_JOB: &str = "learn";

/// When a thread is to be learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearnWhen {
    /// At once, when this many turns are new …
    pub new_turns: u32,
    /// … or at this moment, unless another turn puts it off.
    pub idle_at: Timestamp,
}

/// The next turns of a thread to learn from.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningInput {
    pub thread: Thread,
    /// Not yet learned from, in order; empty when there is nothing left.
    pub episodes: Vec<StoredEpisode>,
    /// The thread's running summary; empty when there is none.
    pub summary: String,
}

/// What was learned from some turns of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningResult {
    pub scope: Scope,
    pub thread: ThreadId,
    /// The position after the last of those turns.
    pub up_to: u32,
    pub changes: Vec<StatementChange>,
    /// The thread's new running summary and who wrote it; `None` keeps the one that is there.
    pub summary: Option<(String, String)>,
}

statements! {
    POSITION = "SELECT position FROM learned WHERE workspace = $1 AND thread = $2";
    PUT_POSITION = "INSERT INTO learned (workspace, thread, position) VALUES ($1, $2, $3)
        ON CONFLICT (workspace, thread) DO UPDATE SET position =
            CASE WHEN learned.position > excluded.position
                THEN learned.position ELSE excluded.position END";
    NEXT = concat!("SELECT ", episodes::columns!(), " FROM episodes
        WHERE workspace = $1 AND thread = $2 AND position >= $3 ORDER BY position LIMIT $4");
    IS_MORE = "SELECT 1 FROM episodes
        WHERE workspace = $1 AND thread = $2 AND position >= $3 LIMIT 1";
    NEW_TURNS = "SELECT count(*) FROM episodes
        WHERE workspace = $1 AND thread = $2 AND position >= $3";
    BEGIN_AGAIN = "UPDATE learned SET position = 0 WHERE workspace = $1 AND thread = $2";
}

impl Workspace {
    /// At most `limit` turns of a thread that were not learned from; `None` when there is no such
    /// thread.
    pub async fn learning_input(
        &self,
        thread: &ThreadId,
        limit: usize,
    ) -> Result<Option<LearningInput>> {
        let id = thread.clone();
        self.read(move |session, workspace| {
            let Some(thread) = threads::one(session, workspace, &id)? else { return Ok(None) };
            let from = position(session, workspace, &id)?;
            let values = values![workspace, &id, from, limit];
            let episodes = session.all(NEXT, values, |row| Ok(listed(row)?.1))?;
            let summary = summaries::one(session, workspace, &id)?;
            let summary = summary.map(|summary| summary.text).unwrap_or_default();
            Ok(Some(LearningInput { thread, episodes, summary }))
        })
        .await
    }

    /// Writes what was learned and how far, and ends the job, all or nothing; the job goes on when
    /// there are more turns, or when it was asked for again meanwhile. One outcome for each change.
    ///
    /// Fails with `conflict` when another worker has taken the job over, and like
    /// [`Workspace::change_statements`]. A thread that was deleted meanwhile took its job along.
    pub async fn finish_learning(
        &self,
        lease: &Lease,
        result: LearningResult,
        now: Timestamp,
    ) -> Result<Vec<ChangeOutcome>> {
        check_all(&result.changes)?;
        let lease = lease.clone();
        self.write(move |session, workspace| finish(session, workspace, &lease, result, now)).await
    }

    /// Asks for learning from a thread at once, from its first turn that was not learned from.
    pub async fn learn_thread(&self, thread: &ThreadId, now: Timestamp) -> Result<()> {
        let thread = thread.clone();
        self.write(move |session, workspace| {
            jobs::enqueue(session, workspace, &job(&thread, now), now)?;
            Ok(())
        })
        .await
    }

    /// How many threads wait to be learned from, and how many of them failed too often.
    pub async fn learning_backlog(&self) -> Result<Backlog> {
        self.read(|session, workspace| {
            let open = jobs::count(session, workspace, LEARN_JOB)?;
            let dead = jobs::count_of_state(session, workspace, LEARN_JOB, JobState::Dead)?;
            let last_error = jobs::an_error(session, workspace, LEARN_JOB)?;
            Ok(Backlog { pending: open.saturating_sub(dead), failed: dead, last_error })
        })
        .await
    }
}

/// Threads that are still to be learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub pending: u64,
    /// Given up on, until somebody asks again.
    pub failed: u64,
    /// Why one of them is not done yet, if it was tried.
    pub last_error: Option<String>,
}

/// Asks for learning after a turn.
pub(crate) fn after_turn(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    when: LearnWhen,
    now: Timestamp,
) -> Result<(), Failure> {
    let from = position(session, workspace, thread)?;
    let new = session.one(NEW_TURNS, values![workspace, thread, from], |row| row.get::<u32>(0))?;
    let due_at = if new.unwrap_or(0) >= when.new_turns { now } else { when.idle_at };
    jobs::enqueue(session, workspace, &job(thread, due_at), now)?;
    Ok(())
}

/// Takes back what was learned of a thread as a whole, its summary, and has it learned from anew;
/// statements that it says again are there already. A thread that was never learned from is left
/// alone.
pub(crate) fn begin_again(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    now: Timestamp,
) -> Result<(), Failure> {
    summaries::delete(session, workspace, thread)?;
    if let Some(thread) = threads::one(session, workspace, thread)? {
        scopes::changed(session, workspace, &thread.scope)?;
    }
    if session.execute(BEGIN_AGAIN, values![workspace, thread])? > 0 {
        jobs::enqueue(session, workspace, &job(thread, now), now)?;
    }
    Ok(())
}

fn finish(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    lease: &Lease,
    result: LearningResult,
    now: Timestamp,
) -> Result<Vec<ChangeOutcome>, Failure> {
    let owned = jobs::owned(session, workspace, lease)?;
    let LearningResult { scope, thread, up_to, changes, summary } = result;
    let outcomes = apply(session, workspace, &scope, changes, now)?;
    session.execute(PUT_POSITION, values![workspace, &thread, up_to])?;
    if let Some((text, learned_by)) = summary {
        let summary = ThreadSummary { text, built_at: now, learned_by };
        summaries::put(session, workspace, &thread, &summary)?;
        scopes::changed(session, workspace, &scope)?;
    }
    let more = session.one(IS_MORE, values![workspace, &thread, up_to], |_| Ok(()))?.is_some();
    jobs::complete(session, workspace, lease, &owned, more, now)?;
    Ok(outcomes)
}

fn position(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
) -> Result<u32, Failure> {
    let position = session.one(POSITION, values![workspace, thread], |row| row.get(0))?;
    Ok(position.unwrap_or(0))
}

fn job(thread: &ThreadId, due_at: Timestamp) -> NewJob {
    NewJob {
        kind: LEARN_JOB.to_owned(),
        key: thread.to_string(),
        payload: serde_json::Value::Null,
        due_at,
    }
}
