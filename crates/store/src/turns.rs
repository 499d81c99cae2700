//! The end of a turn: ledger, thread and memory, all or nothing.

use backstay_core::{
    Error, GenerationId, MemoryOperationId, Result, Timestamp, WorkspaceId, memory::Episode,
};

use crate::{
    LearnWhen, NewCachedAnswer, NewEpisode, NewMessage, NewThread, RunOutcome, SettledGeneration,
    Workspace,
    db::{Failure, Session},
    episodes::{self, Origin, trust_of},
    generations, learning, memory_operations, messages, response_cache, runs, scopes, threads,
};

/// Everything that a finished turn leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnRecord {
    pub settled: SettledGeneration,
    /// `None` for a call that belongs to no conversation.
    pub turn: Option<NewTurn>,
    /// The answer, where it may be given again.
    pub cache: Option<NewCachedAnswer>,
}

/// What is kept of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTurn {
    pub thread: ThreadTurn,
    /// What of the thread's new messages is remembered.
    pub episodes: Vec<NewEpisode>,
    /// When the thread is to be learned from; `None` for never.
    pub learn: Option<LearnWhen>,
    /// Under which name a client waits for that.
    pub operation: Option<MemoryOperationId>,
    /// The run that the turn belongs to, and what becomes of it.
    pub run: Option<RunOutcome>,
}

/// New messages of a thread, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadTurn {
    /// Opened when there is none of this id; otherwise only its id and scope count.
    pub thread: NewThread,
    pub messages: Vec<NewMessage>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredTurn {
    /// False when the call had been settled before; then nothing was written.
    pub newly_settled: bool,
    /// Where in the thread the turn's first message is; the others follow without a gap.
    pub first_position: Option<u32>,
    pub episodes: Vec<Episode>,
}

const SOURCE: &str = "turn";

impl Workspace {
    /// Settles a call and keeps its turn, in one transaction. Doing it again changes nothing. Fails
    /// with `not_found` when the call was never begun, and with `conflict` when the thread belongs
    /// to another scope.
    pub async fn complete_turn(&self, record: TurnRecord) -> Result<StoredTurn> {
        let TurnRecord { settled, turn, cache } = &record;
        if turn.is_none() && cache.is_none() {
            let newly_settled = self.settle_generation(record.settled).await?;
            return Ok(StoredTurn { newly_settled, ..StoredTurn::default() });
        }
        let id = settled.id.clone();
        let stored = match cache {
            None => {
                let work = move |session: &Session<'_>, workspace: &WorkspaceId| {
                    complete(session, workspace, record)
                };
                self.write_beside(work).await?
            }
            // Making room for an answer counts those of the others.
            Some(_) => {
                self.write(move |session, workspace| complete(session, workspace, record)).await?
            }
        };
        self.settled_in_tables(&id);
        Ok(stored)
    }

    /// Keeps a turn that no model was called for.
    pub async fn enter_turn(&self, turn: NewTurn, now: Timestamp) -> Result<StoredTurn> {
        let work = move |session: &Session<'_>, workspace: &WorkspaceId| {
            enter(session, workspace, turn, None, now)
        };
        self.write_beside(work).await
    }
}

fn complete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    record: TurnRecord,
) -> Result<StoredTurn, Failure> {
    let TurnRecord { settled, turn, cache } = record;
    if !generations::settle(session, workspace, &settled)? {
        return Ok(StoredTurn::default());
    }
    if let Some(answer) = &cache {
        response_cache::keep(session, workspace, &settled, answer)?;
    }
    let Some(turn) = turn else {
        return Ok(StoredTurn { newly_settled: true, ..StoredTurn::default() });
    };
    enter(session, workspace, turn, Some(&settled.id), settled.finished_at)
}

fn enter(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    new: NewTurn,
    generation: Option<&GenerationId>,
    now: Timestamp,
) -> Result<StoredTurn, Failure> {
    let NewTurn { thread: turn, episodes, learn, operation, run } = new;
    let count = u32::try_from(turn.messages.len())
        .map_err(|_| Error::invalid("a turn has too many messages"))?;
    let (kept, first) = threads::extend(session, workspace, &turn.thread, count, now)?;
    if kept.scope != turn.thread.scope {
        return Err(threads::of_another_scope(&kept.id).into());
    }
    for (position, message) in (first..).zip(&turn.messages) {
        messages::insert(session, workspace, &kept.id, position, generation, message)?;
    }
    let remembered = if kept.incognito { Vec::new() } else { episodes };
    let episodes: Result<Vec<_>, Error> =
        remembered.into_iter().map(|new| placed(new, &turn, first)).collect();
    let episodes = episodes?;
    remember(session, workspace, &turn.thread, &episodes, now)?;
    if let Some(when) = learn.filter(|_| !episodes.is_empty()) {
        learning::after_turn(session, workspace, &kept.id, when, now)?;
    }
    if let Some(id) = operation {
        let positions = (&kept.id, first, (first + count).saturating_sub(1));
        memory_operations::add(session, workspace, &id, positions, now)?;
    }
    if let Some(outcome) = run {
        runs::put(session, workspace, &kept.id, &outcome, now)?;
    }
    Ok(StoredTurn { newly_settled: true, first_position: Some(first), episodes })
}

/// Gives an episode the position of its message.
fn placed(new: NewEpisode, turn: &ThreadTurn, first: u32) -> Result<Episode> {
    if new.thread != turn.thread.id || new.message_index >= turn.messages.len() {
        return Err(Error::internal("an episode of a message that is not in its turn"));
    }
    let offset = u32::try_from(new.message_index).unwrap_or(u32::MAX);
    Ok(Episode {
        id: new.id,
        thread: new.thread,
        position: first.saturating_add(offset),
        speaker: new.speaker,
        author: new.author,
        text: new.text,
        said_at: new.said_at,
    })
}

fn remember(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &NewThread,
    episodes: &[Episode],
    now: Timestamp,
) -> Result<(), Failure> {
    if episodes.is_empty() {
        return Ok(());
    }
    let first = scopes::written(session, workspace, &thread.scope, episodes.len())?;
    for (sequence, episode) in (first..).zip(episodes) {
        let trust = trust_of(episode.speaker);
        let origin = Origin { source: SOURCE, recorded_at: now, trust };
        episodes::insert(session, workspace, &thread.scope, sequence, episode, &origin)?;
    }
    Ok(())
}
