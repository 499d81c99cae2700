//! Tells a real store everything that was said.

use std::collections::HashMap;

use backstay_core::{
    EpisodeId, Error, Name, Result, Timestamp, WorkspaceId,
    memory::{RecalledId, Scope},
};
use backstay_memory::Memory;
use backstay_store::{ImportedThread, ImportedTurn, Store};

use super::{
    dataset::{Conversation, Turn},
    run::{Phase, Progress},
};

const SOURCE: &str = "bench";
/// Episodes that are embedded in one step.
const EMBED_BATCH: usize = 64;

/// Where a conversation is in the store.
pub(crate) struct Told {
    pub(crate) scope: Scope,
    turns: HashMap<EpisodeId, usize>,
}

impl Told {
    /// The numbers of recalled turns, in the order in which they were recalled.
    pub(crate) fn turns<'a>(&self, ids: impl IntoIterator<Item = &'a RecalledId>) -> Vec<usize> {
        let numbers = ids.into_iter().filter_map(|id| match id {
            RecalledId::Episode(id) => self.turns.get(id).copied(),
            RecalledId::Memory(_) | RecalledId::Summary(_) | RecalledId::Chunk(_) => None,
        });
        numbers.collect()
    }
}

/// Every conversation becomes the memory of an assistant of its own.
pub(crate) async fn tell(
    store: &Store,
    workspace: &WorkspaceId,
    conversation: &Conversation,
    number: usize,
) -> Result<Told> {
    let assistant = Name::parse(&format!("conversation {}", number + 1))
        .ok_or_else(|| Error::internal("a conversation's number made no name"))?;
    let scope = Scope { assistant, user: None };
    let mut turns = HashMap::new();
    for session in &conversation.sessions {
        let thread = ImportedThread {
            scope: scope.clone(),
            source: SOURCE.to_owned(),
            external_id: Some(session.name.clone()),
            title: None,
            turns: session.turns.iter().map(imported).collect(),
            imported_at: session.turns.last().map_or(Timestamp::default(), |turn| turn.said_at),
        };
        let outcome = store.workspace(workspace).import_conversation(thread).await?;
        for id in outcome.ids.into_iter().flatten() {
            let number = turns.len();
            turns.insert(id, number);
        }
    }
    if turns.len() != conversation.turns().count() {
        let message = format!("{}: not every turn was remembered", conversation.name);
        return Err(Error::internal(message));
    }
    Ok(Told { scope, turns })
}

fn imported(turn: &Turn) -> ImportedTurn {
    ImportedTurn {
        speaker: turn.speaker,
        author: turn.author.clone(),
        text: turn.text.clone(),
        said_at: turn.said_at,
    }
}

/// Until no episode is without a vector.
pub(crate) async fn embed(memory: &Memory, episodes: usize, progress: &dyn Progress) -> Result<()> {
    progress.begin(Phase::Embed, episodes);
    loop {
        let count = memory.embed_pending(EMBED_BATCH).await?;
        if count == 0 {
            while memory.index_pending().await? > 0 {}
            return Ok(());
        }
        progress.advance(count);
    }
}
