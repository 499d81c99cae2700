//! Conversations that took place elsewhere. Importing one again adds only what is new in it.

use std::collections::{HashMap, HashSet};

use backstay_core::{
    EpisodeId, Error, MessageId, Result, ThreadId, Timestamp, WorkspaceId,
    chat::{Message, Role},
    limits,
    memory::{Episode, Scope, Speaker},
};

use crate::{
    NewMessage, NewThread, Workspace,
    db::{Failure, Session, statements, values},
    digest::{digest, identifier_digits},
    episodes::{self, Origin, trust_of},
    messages, scopes, threads, tombstones,
};

/// A conversation from another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedThread {
    pub scope: Scope,
    /// The name of what it comes from, such as `chatgpt`.
    pub source: String,
    /// The conversation's own id there. Without one it is recognised by its title and first turn.
    pub external_id: Option<String>,
    pub title: Option<String>,
    /// In the order in which they were said.
    pub turns: Vec<ImportedTurn>,
    pub imported_at: Timestamp,
}

/// One turn of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTurn {
    pub speaker: Speaker,
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOutcome {
    pub thread: ThreadId,
    /// What was added.
    pub episodes: Vec<Episode>,
    /// The episode of each turn that has words, in their order, added or there already; `None` for
    /// one that was forgotten.
    pub ids: Vec<Option<EpisodeId>>,
    /// Turns that were there already.
    pub present: usize,
    /// Turns without words, which are not kept.
    pub blank: usize,
    /// Turns that were forgotten here, which do not come back.
    pub forgotten: usize,
}

statements! {
    IDS = "SELECT id FROM episodes WHERE workspace = $1 AND thread = $2";
}

impl Workspace {
    /// Adds a conversation as a thread with its messages and episodes, in one transaction. The
    /// thread, its messages and its episodes are named by what they hold: a second import of the
    /// same conversation adds nothing, and one that has grown adds what is new at its end. A turn
    /// longer than an episode may be is whole in the thread and cut off in memory.
    pub async fn import_conversation(&self, imported: ImportedThread) -> Result<ImportOutcome> {
        if imported.turns.is_empty() || imported.turns.len() > limits::MESSAGES_MAX {
            let message = format!("a conversation has 1 to {} turns", limits::MESSAGES_MAX);
            return Err(Error::invalid(message).with_parameter("turns"));
        }
        self.write(move |session, workspace| import(session, workspace, &imported)).await
    }
}

fn import(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    imported: &ImportedThread,
) -> Result<ImportOutcome, Failure> {
    let id = thread_id(imported);
    let known: HashSet<EpisodeId> =
        session.all(IDS, values![workspace, &id], |row| row.get(0))?.into_iter().collect();
    let turns: Vec<(&ImportedTurn, [u8; 32])> = hashed(&id, &imported.turns);
    let blank = imported.turns.len() - turns.len();
    let mut ids = Vec::with_capacity(turns.len());
    let mut new = Vec::new();
    for turn in &turns {
        let id = episode_id(&turn.1);
        if tombstones::stands(session, workspace, &tombstones::of_episode(&id))? {
            ids.push(None);
            continue;
        }
        if !known.contains(&id) {
            new.push(turn);
        }
        ids.push(Some(id));
    }
    let forgotten = ids.iter().filter(|id| id.is_none()).count();
    let present = turns.len() - forgotten - new.len();
    let mut outcome =
        ImportOutcome { thread: id.clone(), episodes: Vec::new(), ids, present, blank, forgotten };
    if new.is_empty() {
        return Ok(outcome);
    }
    let thread = NewThread {
        id: id.clone(),
        scope: imported.scope.clone(),
        title: imported.title.clone(),
        created_at: new.first().map_or(imported.imported_at, |(turn, _)| turn.said_at),
        incognito: false,
    };
    let last_said_at = new.last().map_or(imported.imported_at, |(turn, _)| turn.said_at);
    let count = u32::try_from(new.len()).map_err(|_| Error::invalid("too many turns"))?;
    let (_, position) = threads::extend(session, workspace, &thread, count, last_said_at)?;
    let sequence = scopes::written(session, workspace, &imported.scope, new.len())?;
    for ((position, sequence), (turn, hash)) in (position..).zip(sequence..).zip(new) {
        let message = message(turn, hash)?;
        messages::insert(session, workspace, &id, position, None, &message)?;
        let episode = episode(&id, position, turn, hash)?;
        let origin = Origin {
            source: &imported.source,
            recorded_at: imported.imported_at,
            trust: trust_of(turn.speaker),
        };
        episodes::insert(session, workspace, &imported.scope, sequence, &episode, &origin)?;
        outcome.episodes.push(episode);
    }
    Ok(outcome)
}

fn thread_id(imported: &ImportedThread) -> ThreadId {
    let ImportedThread { scope, source, external_id, title, turns, .. } = imported;
    let user = scopes::scope_user(scope).as_bytes();
    let place: [&[u8]; 3] = [scope.assistant.as_str().as_bytes(), user, source.as_bytes()];
    let own: Vec<u8> = match (external_id, turns.first()) {
        (Some(external_id), _) => digest(&[b"id", external_id.as_bytes()]).to_vec(),
        (None, Some(first)) => {
            let title = title.as_deref().unwrap_or_default().as_bytes();
            let said_at = first.said_at.micros().to_le_bytes();
            digest(&[b"first", title, &said_at, first.author.as_bytes(), first.text.as_bytes()])
                .to_vec()
        }
        (None, None) => Vec::new(),
    };
    let hash = digest(&[place[0], place[1], place[2], &own]);
    ThreadId::implied(&identifier_digits(&hash))
}

/// The turns that have words, each with its content hash. Two equal turns of one conversation are
/// told apart by which of them comes first.
fn hashed<'a>(thread: &ThreadId, turns: &'a [ImportedTurn]) -> Vec<(&'a ImportedTurn, [u8; 32])> {
    let mut seen: HashMap<[u8; 32], u64> = HashMap::new();
    let spoken = turns.iter().filter(|turn| !turn.text.trim().is_empty());
    spoken
        .map(|turn| {
            let speaker: &[u8] = match turn.speaker {
                Speaker::User => b"user",
                Speaker::Assistant => b"assistant",
            };
            let said_at = turn.said_at.micros().to_le_bytes();
            let (author, text) = (turn.author.as_bytes(), turn.text.as_bytes());
            let equal = digest(&[thread.as_str().as_bytes(), speaker, &said_at, author, text]);
            let before = seen.entry(equal).or_default();
            let hash = digest(&[&equal, &before.to_le_bytes()]);
            *before += 1;
            (turn, hash)
        })
        .collect()
}

fn message(turn: &ImportedTurn, hash: &[u8; 32]) -> Result<NewMessage> {
    let role = match turn.speaker {
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    let id = format!("{}{}", MessageId::PREFIX, identifier_digits(hash));
    Ok(NewMessage {
        id: MessageId::parse(&id).ok_or_else(|| Error::internal("a digest made no id"))?,
        author: turn.author.clone(),
        message: Message::text_of(role, turn.text.as_str()),
        said_at: turn.said_at,
        incomplete: false,
        metadata: None,
    })
}

fn episode_id(hash: &[u8; 32]) -> EpisodeId {
    EpisodeId::implied(&identifier_digits(hash))
}

fn episode(
    thread: &ThreadId,
    position: u32,
    turn: &ImportedTurn,
    hash: &[u8; 32],
) -> Result<Episode> {
    let end = turn.text.floor_char_boundary(limits::EPISODE_BYTES_MAX);
    Ok(Episode {
        id: episode_id(hash),
        thread: thread.clone(),
        position,
        speaker: turn.speaker,
        author: turn.author.clone(),
        text: turn.text[..end].to_owned(),
        said_at: turn.said_at,
    })
}
