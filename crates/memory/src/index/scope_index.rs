//! The index of one scope, kept current turn by turn.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

use backstay_core::{
    DocumentId, EpisodeId, MemoryId, ThreadId, Timestamp,
    memory::{Episode, RecalledId, Statement},
};
use backstay_store::PassageVector;
use hashbrown::HashTable;
use serde_json::{Map, Value};

use super::{
    Turn,
    states::States,
    terms::{Count, NUMBERS_MAX, Terms},
    turn::{Author, Chunk, Conversation, Said},
    vectors::Vectors,
};
use crate::{
    analyse::{self, Form},
    embed::TokenStates,
};

/// Everything recall needs of one scope, in memory. Windows and whole conversations need no
/// postings of their own: theirs follow from those of the turns.
#[derive(Default)]
pub(crate) struct ScopeIndex {
    turns: Vec<Turn>,
    conversations: Vec<Conversation>,
    authors: Vec<Author>,
    terms: Terms,
    vectors: Vectors,
    states: States,
    /// Numbers of turns by the hash of their identifier.
    by_id: HashTable<u32>,
    hasher: RandomState,
    by_thread: HashMap<ThreadId, u32>,
    by_document: HashMap<DocumentId, u32>,
    statements: HashMap<MemoryId, Held>,
    by_author: HashMap<Box<str>, u32>,
    /// By turn: how many terms it has with their repetitions, up to 65,535. Beside the turns, and not
    /// in them, because every posting of a question's terms asks for it.
    lengths: Vec<u16>,
    /// By turn: its conversation's number. For the same reason.
    conversations_of: Vec<u32>,
    /// The first and the last moment at which something was said.
    time_span: Option<(Timestamp, Timestamp)>,
    total_length: u64,
    /// Of the turns, without vectors.
    turns_bytes: usize,
}

/// What is known of a statement beside its words.
struct Held {
    version: u32,
    pinned: bool,
    /// The turns that it rests on.
    sources: Box<[RecalledId]>,
    limited: Option<LimitedSource>,
    metadata: Option<Box<Map<String, Value>>>,
}

/// A source of little trust, and how many of its statements one recall may bring back.
pub(crate) struct LimitedSource {
    pub(crate) name: Box<str>,
    pub(crate) recalled_max: usize,
}

impl ScopeIndex {
    /// Adds turns; those that are known already change nothing.
    pub(crate) fn append(&mut self, episodes: impl IntoIterator<Item = Episode>) {
        for episode in episodes {
            let id = RecalledId::Episode(episode.id.clone());
            if self.number(&id).is_none() {
                self.push(id, Said::turn(episode));
            }
        }
    }

    /// Adds chunks of documents; each document is a conversation of its own, and each chunk a turn of
    /// it. Those that are known already change nothing.
    pub(crate) fn append_chunks(&mut self, chunks: impl IntoIterator<Item = Chunk>) {
        for chunk in chunks {
            let id = RecalledId::Chunk(chunk.id.clone());
            if self.number(&id).is_none() {
                self.push(id, Said::chunk(chunk));
            }
        }
    }

    /// Makes known who speaks in turns that are not held.
    pub(crate) fn introduce(&mut self, name: &str, called: &[String]) {
        let author = self.author_for(name) as usize;
        called.iter().for_each(|called| self.authors[author].is_called(called.clone()));
    }

    /// Forgets all turns but these.
    pub(crate) fn keep_episodes(&mut self, kept: &HashSet<EpisodeId>) {
        self.remove(|id| matches!(id, RecalledId::Episode(id) if !kept.contains(id)));
    }

    /// Makes the index hold exactly these versions of statements; the rest stays as it is.
    pub(crate) fn set_statements(&mut self, statements: &[Statement]) {
        let wanted: HashMap<&MemoryId, u32> =
            statements.iter().map(|statement| (&statement.id, statement.version)).collect();
        let held = std::mem::take(&mut self.statements);
        self.remove(|id| match id {
            RecalledId::Memory(id) => {
                wanted.get(id).copied() != held.get(id).map(|held| held.version)
            }
            RecalledId::Episode(_) | RecalledId::Summary(_) | RecalledId::Chunk(_) => false,
        });
        for statement in statements {
            let id = RecalledId::Memory(statement.id.clone());
            if self.number(&id).is_none() {
                self.push(id, Said::statement(statement));
            }
        }
        self.statements = statements.iter().map(|one| (one.id.clone(), Held::of(one))).collect();
    }

    /// Gives the conversations their summaries, and takes away those that are not among them.
    pub(crate) fn set_summaries(&mut self, mut summaries: HashMap<ThreadId, String>) {
        for conversation in &mut self.conversations {
            let summary = conversation.thread.as_ref().and_then(|thread| summaries.remove(thread));
            conversation.summary = summary.map(String::into_boxed_str);
        }
    }

    /// Forgets turns and statements, and the summaries of conversations that lose a turn. What stood
    /// on both sides of one now stands side by side.
    pub(crate) fn remove(&mut self, is_gone: impl Fn(&RecalledId) -> bool) {
        if !self.turns.iter().any(|turn| is_gone(&turn.id)) {
            return;
        }
        let mut old = std::mem::take(self);
        self.statements = std::mem::take(&mut old.statements);
        self.statements.retain(|id, _| !is_gone(&RecalledId::Memory(id.clone())));
        let mut kept = Vec::new();
        for (number, turn) in (0_u32..).zip(old.turns) {
            let conversation = old.conversations_of[number as usize] as usize;
            if is_gone(&turn.id) {
                old.conversations[conversation].summary = None;
                continue;
            }
            kept.push(number);
            let thread = old.conversations[conversation].thread.clone();
            let author = &old.authors[turn.author as usize].name;
            let terms: Vec<(&str, u32)> = old.terms.of_turn(turn.terms.clone()).collect();
            self.insert(turn, thread, author, &terms);
        }
        let summaries = old.conversations.into_iter();
        let named = summaries.filter_map(|old| Some((old.thread?, String::from(old.summary?))));
        self.set_summaries(named.collect());
        self.vectors = old.vectors.keep(&kept);
        self.states = old.states.keep(&kept);
    }

    /// Gives a turn the vectors of its passages; false when there is no such turn or a vector is of
    /// another model.
    pub(crate) fn set_vectors(&mut self, id: &RecalledId, passages: &[PassageVector]) -> bool {
        let Some(turn) = self.number(id) else { return false };
        let set = self.vectors.set(turn, passages.iter().map(|passage| passage.vector.as_slice()));
        if set {
            let states = passages.iter().map(|passage| TokenStates::from_bytes(&passage.states));
            self.states.set(turn, states);
        }
        set
    }

    /// Those whose vectors are still to come.
    pub(crate) fn without_vectors(&self) -> impl Iterator<Item = &RecalledId> {
        let turns = (0_u32..).zip(&self.turns);
        turns.filter(|(number, _)| !self.vectors.has(*number)).map(|(_, turn)| &turn.id)
    }

    pub(crate) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(crate) fn turn(&self, number: u32) -> &Turn {
        &self.turns[number as usize]
    }

    pub(crate) fn conversations(&self) -> &[Conversation] {
        &self.conversations
    }

    pub(crate) fn conversation_of(&self, turn: u32) -> u32 {
        self.conversations_of[turn as usize]
    }

    pub(crate) fn conversation(&self, turn: u32) -> &Conversation {
        &self.conversations[self.conversation_of(turn) as usize]
    }

    /// The number of a document among the conversations.
    pub(crate) fn document(&self, id: &DocumentId) -> Option<u32> {
        self.by_document.get(id).copied()
    }

    pub(crate) fn authors(&self) -> &[Author] {
        &self.authors
    }

    pub(crate) fn author(&self, turn: &Turn) -> &Author {
        &self.authors[turn.author as usize]
    }

    pub(crate) fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The terms of a turn with how often it mentions each.
    pub(crate) fn terms_of(&self, turn: u32) -> &[Count] {
        self.terms.counts(self.turn(turn).terms.clone())
    }

    pub(crate) fn length(&self, turn: u32) -> f32 {
        self.lengths.get(turn as usize).copied().map_or(0.0, f32::from)
    }

    /// The first and the last moment at which something was said; `None` while nothing was.
    pub(crate) fn time_span(&self) -> Option<(Timestamp, Timestamp)> {
        self.time_span
    }

    /// Terms of all turns, with repetitions.
    pub(crate) fn total_length(&self) -> u64 {
        self.total_length
    }

    /// The turn that stands this far after another in its conversation, or before it.
    pub(crate) fn neighbour(&self, turn: u32, distance: isize) -> Option<u32> {
        let place = (self.turn(turn).place as usize).checked_add_signed(distance)?;
        self.conversation(turn).turns.get(place).copied()
    }

    pub(crate) fn number(&self, id: &RecalledId) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.by_id.find(hash, |number| self.turn(*number).id == *id).copied()
    }

    /// The turns that a statement rests on, as far as they are held; none for a turn.
    pub(crate) fn sources(&self, id: &RecalledId) -> impl Iterator<Item = u32> {
        let sources = self.held(id).map_or(&[][..], |held| &held.sources);
        sources.iter().filter_map(|source| self.number(source))
    }

    /// The source of a statement, if it is one of those that may not fill an answer; never of a turn.
    pub(crate) fn limited_source(&self, id: &RecalledId) -> Option<&LimitedSource> {
        self.held(id)?.limited.as_ref()
    }

    /// Whether it is a statement whose metadata has all of these.
    pub(crate) fn has_metadata(&self, id: &RecalledId, wanted: &Map<String, Value>) -> bool {
        let metadata = self.held(id).and_then(|held| held.metadata.as_ref());
        wanted.iter().all(|(key, value)| metadata.and_then(|held| held.get(key)) == Some(value))
    }

    /// Whether a person wants it recalled before others; never of a turn.
    pub(crate) fn is_pinned(&self, id: &RecalledId) -> bool {
        self.held(id).is_some_and(|held| held.pinned)
    }

    fn held(&self, id: &RecalledId) -> Option<&Held> {
        match id {
            RecalledId::Memory(id) => self.statements.get(id),
            RecalledId::Episode(_) | RecalledId::Summary(_) | RecalledId::Chunk(_) => None,
        }
    }

    /// About how much memory it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.turns_bytes + self.vectors.size_bytes() + self.states.size_bytes()
    }

    fn push(&mut self, id: RecalledId, said: Said) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for term in analyse::terms(&said.indexed_text()) {
            *counts.entry(term).or_default() += 1;
        }
        let terms: Vec<(&str, u32)> =
            counts.iter().map(|(term, count)| (term.as_str(), *count)).collect();
        let author = Author::new(&said.author);
        let is_speaker = |word: &str| {
            let mut words = self.authors.iter().chain([&author]).flat_map(|author| &author.words);
            words.any(|other| other == word)
        };
        let form = Form::of(&said.text, is_speaker);
        // Reading times takes longer than seeing that there is none.
        let speaks_of =
            form.has_time.then(|| analyse::days_spoken_of(&said.text, said.said_at)).flatten();
        let turn = Turn {
            id,
            speaks_of,
            form,
            text: said.text.into(),
            said_at: said.said_at,
            position: said.position,
            speaker: said.speaker,
            author: 0,
            place: 0,
            terms: 0..0,
        };
        self.insert(turn, said.thread, &said.author, &terms);
    }

    fn insert(
        &mut self,
        mut turn: Turn,
        thread: Option<ThreadId>,
        author: &str,
        terms: &[(&str, u32)],
    ) {
        let number = u32::try_from(self.turns.len()).unwrap_or(u32::MAX);
        if number >= NUMBERS_MAX {
            tracing::warn!(turns = number, "a scope has more turns than recall can search");
            return;
        }
        let length;
        (turn.terms, length) = self.terms.add(number, terms.iter().copied());
        let conversation = self.conversation_for(&turn.id, thread);
        self.conversations_of.push(conversation);
        turn.author = self.author_for(author);
        // What is stated of someone is no wish of theirs.
        if let (RecalledId::Episode(_), Some(name)) = (&turn.id, analyse::called(&turn.text)) {
            self.authors[turn.author as usize].is_called(name);
        }
        self.lengths.push(length);
        let (first, last) = self.time_span.unwrap_or((turn.said_at, turn.said_at));
        self.time_span = Some((first.min(turn.said_at), last.max(turn.said_at)));
        self.total_length += u64::from(length);
        self.conversations[conversation as usize].length += u64::from(length);
        self.turns_bytes += turn.size_bytes();
        let (turns, hasher) = (&self.turns, &self.hasher);
        let hash = |number: &u32| hasher.hash_one(&turns[*number as usize].id);
        self.by_id.insert_unique(hasher.hash_one(&turn.id), number, hash);
        self.turns.push(turn);
        self.place(number);
    }

    fn conversation_for(&mut self, id: &RecalledId, thread: Option<ThreadId>) -> u32 {
        let next = u32::try_from(self.conversations.len()).unwrap_or(u32::MAX);
        let document = match id {
            RecalledId::Chunk(chunk) => chunk.place().map(|(document, _)| document),
            RecalledId::Episode(_) | RecalledId::Memory(_) | RecalledId::Summary(_) => None,
        };
        let number = match (document, &thread) {
            (Some(document), _) => *self.by_document.entry(document).or_insert(next),
            (None, Some(thread)) => *self.by_thread.entry(thread.clone()).or_insert(next),
            (None, None) => next,
        };
        if number == next {
            self.conversations.push(Conversation { thread, ..Conversation::default() });
        }
        number
    }

    fn author_for(&mut self, name: &str) -> u32 {
        if let Some(number) = self.by_author.get(name) {
            return *number;
        }
        let number = u32::try_from(self.authors.len()).unwrap_or(u32::MAX);
        self.authors.push(Author::new(name));
        self.by_author.insert(name.into(), number);
        number
    }

    /// Puts a turn into its conversation by position; nearly always that is at the end.
    fn place(&mut self, number: u32) {
        let (position, conversation) = (self.turn(number).position, self.conversation_of(number));
        let turns = &mut self.conversations[conversation as usize].turns;
        let place = turns.partition_point(|other| self.turns[*other as usize].position <= position);
        turns.insert(place, number);
        for (place, moved) in (0_u32..).zip(turns.iter()).skip(place) {
            self.turns[*moved as usize].place = place;
        }
    }
}

impl Held {
    fn of(statement: &Statement) -> Self {
        let sources = statement.said.sources.iter();
        let ids = sources.map(|source| RecalledId::Episode(source.episode.clone()));
        let said = &statement.said;
        Self {
            version: statement.version,
            pinned: said.pinned,
            sources: ids.collect(),
            limited: said.trust.recalled_per_source().map(|recalled_max| LimitedSource {
                name: said.source.as_str().into(),
                recalled_max,
            }),
            metadata: (!said.metadata.is_empty()).then(|| Box::new(said.metadata.clone())),
        }
    }
}

#[cfg(test)]
#[path = "scope_index_test.rs"]
pub(crate) mod tests;
