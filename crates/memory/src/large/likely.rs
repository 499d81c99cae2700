//! The likeliest turns of a large scope for a question, brought into its index.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use backstay_core::{
    EpisodeId, Error, ErrorCode, Result, Timestamp,
    memory::{Episode, RecallFilter, RecalledId, Scope},
};
use backstay_store::{BlockWords, Near, PassageVector, Workspace};
use tokio::{sync::OwnedRwLockReadGuard, task::spawn_blocking};

use super::{
    HELD_MAX, Held, Large, block, choose,
    whole::{Scores, Whole},
};
use crate::{
    EmbeddingModel, Profile,
    analyse::Query,
    index::{Count, Loaded, SharedIndex, bm25::Parameters},
    recall::{self, Lexical},
};

/// The nearest that are asked for.
const NEAR: usize = 100;
/// The same where a filter leaves some of them out.
const NEAR_FILTERED: usize = 1_000;
/// How often it is begun again because the scope changes meanwhile.
const ATTEMPTS: usize = 10;

/// What is looked up, and where.
pub(crate) struct LookUp<'a> {
    pub(crate) store: Workspace,
    pub(crate) scope: &'a Scope,
    pub(crate) model: &'a EmbeddingModel,
    pub(crate) scope_turns: u64,
    pub(crate) question: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) vector: Option<&'a [f32]>,
    pub(crate) profile: Option<Profile>,
    pub(crate) filter: &'a RecallFilter,
}

/// The scope's index with the likeliest turns in it, and what words are worth.
pub(crate) struct Likeliest {
    pub(crate) loaded: OwnedRwLockReadGuard<Loaded>,
    pub(crate) words: Words,
}

/// What the database knows of a question's words, and what follows from it.
pub(crate) struct Words {
    in_blocks: HashMap<String, Vec<Count>>,
    scores: Scores,
}

/// What the database has found.
struct Found {
    query: Query,
    contents: Vec<BlockWords>,
    near: Vec<Near>,
    filter: RecallFilter,
    profile: Option<Profile>,
}

/// Which turns are to be ranked and are not held, by their sequence numbers.
struct Plan {
    wanted: Vec<u64>,
    words: Words,
    generation: u64,
}

/// Turns that were read, and their vectors.
struct Fetched {
    turns: Vec<(u64, Episode)>,
    vectors: Vec<(EpisodeId, Vec<PassageVector>)>,
}

/// Looks up the likeliest turns and holds the index, so that they stay in it. `None` when the scope is
/// no longer held as a large one.
pub(crate) async fn likeliest(
    look_up: &LookUp<'_>,
    shared: &SharedIndex,
) -> Result<Option<Likeliest>> {
    let Some(found) = find(look_up, shared).await? else { return Ok(None) };
    let found = Arc::new(found);
    for _ in 0..ATTEMPTS {
        let loaded = Arc::clone(shared).read_owned().await;
        let known = Arc::clone(&found);
        let planning = spawn_blocking(move || (known.plan(&loaded), loaded)).await;
        let (plan, loaded) = planning
            .map_err(|cause| Error::internal(format!("a recall could not be planned: {cause}")))?;
        let Some(Plan { wanted, words, generation }) = plan? else { return Ok(None) };
        if wanted.is_empty() {
            return Ok(Some(Likeliest { loaded, words }));
        }
        drop(loaded);
        let fetched = fetch(look_up, &wanted, shared).await?;
        let mut loaded = Arc::clone(shared).write_owned().await;
        if loaded.large.as_ref().is_some_and(|large| large.generation == generation) {
            take_in(&mut loaded, fetched, &wanted);
            return Ok(Some(Likeliest { loaded: loaded.downgrade(), words }));
        }
    }
    let message = "a memory changes faster than it can be searched; try again";
    Err(Error::new(ErrorCode::StoreUnavailable, message))
}

/// Reads the question in view of what is held, and asks the database for its words and its meaning.
async fn find(look_up: &LookUp<'_>, shared: &SharedIndex) -> Result<Option<Found>> {
    let LookUp { store, scope, model, vector, filter, profile, .. } = look_up;
    let mut query = Query::new(look_up.question, look_up.now);
    let asked: Vec<String> = query.terms.iter().map(|term| term.word.clone()).collect();
    {
        let loaded = shared.read().await;
        let Some(large) = &loaded.large else { return Ok(None) };
        let parameters = profile.or(large.profile).unwrap_or(Profile::Safe).bm25();
        recall::in_scope(&mut query, &loaded.index, parameters, |turn| large.is_whole(turn));
    }
    // Where nothing is held yet of the time that is asked for, words of saying still count.
    asked.iter().for_each(|word| query.ask_for(word));
    let parts: BTreeSet<u32> = query.terms.iter().map(|term| block::part_of(&term.term)).collect();
    let parts: Vec<u32> = parts.into_iter().collect();
    let count = if **filter == RecallFilter::default() { NEAR } else { NEAR_FILTERED };
    let near = async {
        let Some(vector) = vector else { return Vec::new() };
        let (name, revision) = (&model.name, &model.revision);
        let found = store.nearest(scope, look_up.scope_turns, name, revision, vector, count).await;
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, cause = error.context(), "the nearest memories are not found");
            Vec::new()
        })
    };
    let (contents, near) = tokio::join!(store.block_words(scope, &parts), near);
    let contents = contents?;
    Ok(Some(Found { query, contents, near, filter: (*filter).clone(), profile: *profile }))
}

impl Found {
    fn plan(&self, loaded: &Loaded) -> Result<Option<Plan>> {
        let Some(large) = &loaded.large else { return Ok(None) };
        let in_blocks = self.in_blocks(large)?;
        let profile = self.profile.or(large.profile).unwrap_or(Profile::Safe);
        let whole = Whole::new(large, &loaded.index, &in_blocks);
        let scores = whole.scores(&self.query, profile.bm25());
        let likely = choose::likely(large, &scores.words, &self.near, &self.query, &self.filter);
        let wanted = likely.into_iter().filter(|turn| !large.is_ranked(*turn));
        let wanted = wanted.filter_map(|turn| large.outline.sequence(turn)).collect();
        let generation = large.generation;
        Ok(Some(Plan { wanted, words: Words { in_blocks, scores }, generation }))
    }

    /// The turns of blocks that mention each of the question's terms.
    fn in_blocks(&self, large: &Large) -> Result<HashMap<String, Vec<Count>>> {
        let terms = self.query.terms.iter();
        let mut postings: HashMap<String, Vec<Count>> =
            terms.map(|term| (term.term.clone(), Vec::new())).collect();
        for BlockWords { first, content, .. } in &self.contents {
            // A block that came since is read when it is looked at next.
            let Some(slot) = large.outline.first_of(*first) else { continue };
            block::read_words(content, slot, &mut postings).map_err(|_| {
                Error::internal("a stored block of words is not readable; it can be deleted")
            })?;
        }
        Ok(postings)
    }
}

impl Words {
    /// What the question's words are worth in the whole scope.
    pub(crate) fn lexical(
        &self,
        loaded: &Loaded,
        query: &Query,
        parameters: Parameters,
    ) -> Lexical {
        match &loaded.large {
            Some(large) => Whole::new(large, &loaded.index, &self.in_blocks).lexical(
                query,
                parameters,
                &self.scores,
            ),
            None => Lexical::of(&loaded.index, query, parameters),
        }
    }
}

async fn fetch(look_up: &LookUp<'_>, wanted: &[u64], shared: &SharedIndex) -> Result<Fetched> {
    let LookUp { store, scope, model, .. } = look_up;
    let turns = store.episodes_around(scope, wanted).await?;
    let ids: Vec<EpisodeId> = {
        let index = &shared.read().await.index;
        let ids = turns.iter().map(|(_, episode)| episode.id.clone());
        ids.filter(|id| index.number(&RecalledId::Episode(id.clone())).is_none()).collect()
    };
    let vectors = store.vectors_of(&ids, &model.name, &model.revision).await?;
    Ok(Fetched { turns, vectors })
}

/// Adds turns to the index; those that were wanted can be ranked now.
fn take_in(loaded: &mut Loaded, fetched: Fetched, wanted: &[u64]) {
    let Loaded { index, large: Some(large), .. } = loaded else { return };
    if large.held.len() + fetched.turns.len() > HELD_MAX {
        let held = std::mem::take(&mut large.held);
        index.remove(|id| held.contains_key(id));
        large.introduce_authors(index);
        large.renumber(index);
    }
    for (sequence, episode) in fetched.turns {
        let id = RecalledId::Episode(episode.id.clone());
        let Some(turn) = large.outline.number(sequence) else { continue };
        let is_whole = wanted.binary_search(&sequence).is_ok();
        match large.held.get_mut(&id) {
            Some(held) => held.is_whole |= is_whole,
            None if index.number(&id).is_none() => {
                index.append([episode]);
                large.held.insert(id, Held { turn, is_whole });
            }
            None => {}
        }
    }
    for (episode, passages) in fetched.vectors {
        index.set_vectors(&RecalledId::Episode(episode), &passages);
    }
    large.renumber(index);
}
