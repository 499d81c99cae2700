//! The end of a turn: ledger, thread and memory, all or nothing.

use backstay_core::{Error, Result, Timestamp, WorkspaceId, memory::Episode};

use crate::{
    LearnWhen, NewCachedAnswer, NewEpisode, NewMessage, NewThread, SettledGeneration, Workspace,
    db::{Failure, Session},
    episodes::{self, Origin, trust_of},
    generations, learning, messages, response_cache, scopes, threads,
};

/// Everything that a finished turn leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnRecord {
    pub settled: SettledGeneration,
    /// `None` for a call that belongs to no conversation.
    pub thread: Option<ThreadTurn>,
    /// What of the thread's new messages is remembered.
    pub episodes: Vec<NewEpisode>,
    /// When the thread is to be learned from; `None` for never.
    pub learn: Option<LearnWhen>,
    /// The answer, where it may be given again.
    pub cache: Option<NewCachedAnswer>,
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
        let TurnRecord { settled, thread, episodes, learn: _, cache } = &record;
        if thread.is_none() && episodes.is_empty() && cache.is_none() {
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
}

fn complete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    record: TurnRecord,
) -> Result<StoredTurn, Failure> {
    let TurnRecord { settled, thread, episodes, learn, cache } = record;
    if !generations::settle(session, workspace, &settled)? {
        return Ok(StoredTurn::default());
    }
    if let Some(answer) = &cache {
        response_cache::keep(session, workspace, &settled, answer)?;
    }
    let Some(turn) = thread else {
        if !episodes.is_empty() {
            return Err(Error::internal("episodes without a thread").into());
        }
        return Ok(StoredTurn { newly_settled: true, ..StoredTurn::default() });
    };
    let now = settled.finished_at;
    let count = u32::try_from(turn.messages.len())
        .map_err(|_| Error::invalid("a turn has too many messages"))?;
    let (kept, first) = threads::extend(session, workspace, &turn.thread, count, now)?;
    if kept.scope != turn.thread.scope {
        return Err(threads::of_another_scope(&kept.id).into());
    }
    for (position, message) in (first..).zip(&turn.messages) {
        let generation = Some(&settled.id);
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
