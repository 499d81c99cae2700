//! A turn as the index holds it: small, because a scope may have a million.

use std::ops::Range;

use backstay_core::{
    ChunkId, ThreadId, Timestamp,
    memory::{Episode, RecalledId, Speaker, Statement, Trust},
};

use jiff::civil::Date;

use crate::{
    analyse::{self, Form},
    embed,
};

/// The authors that clients write when they name nobody.
const GENERIC_AUTHORS: [&str; 5] = ["user", "assistant", "human", "ai", STATEMENT_AUTHOR];
/// Whom a prompt names beside a statement: nobody said it in these words.
pub(crate) const STATEMENT_AUTHOR: &str = "memory";
/// Names that one speaker may ask to be called.
const CALLED_MAX: usize = 8;
/// What two identifiers' and texts' allocations and the tables' spare room take beside the rest.
const OVERHEAD_BYTES: usize = 96;

/// A remembered turn with what was worked out about it once.
pub(crate) struct Turn {
    pub(crate) id: RecalledId,
    pub(crate) text: Box<str>,
    pub(crate) said_at: Timestamp,
    pub(crate) position: u32,
    pub(crate) speaker: Speaker,
    /// The number of its author in [`super::ScopeIndex::author`].
    pub(crate) author: u32,
    /// Its place among the remembered turns of its conversation, from 0.
    pub(crate) place: u32,
    /// Where its terms stand in the index.
    pub(super) terms: Range<usize>,
    pub(crate) form: Form,
    /// The days that it speaks of, reckoned from when it was said.
    pub(crate) speaks_of: Option<(Date, Date)>,
}

/// Someone who speaks in a scope.
pub(crate) struct Author {
    pub(crate) name: Box<str>,
    /// The words of the name, in lower case; none when it is only `user` or the like.
    pub(crate) words: Vec<String>,
    /// What else they asked to be called, in lower case.
    pub(crate) called: Vec<String>,
}

/// The turns of one thread in their order, by their numbers; or one statement, of no thread.
#[derive(Default)]
pub(crate) struct Conversation {
    pub(crate) thread: Option<ThreadId>,
    pub(crate) turns: Vec<u32>,
    /// What a model that learned from it sums up.
    pub(crate) summary: Option<Box<str>>,
    /// How many terms its turns have together.
    pub(crate) length: u64,
}

impl Turn {
    /// About how much memory it takes, without its vector; each term also stands in the postings.
    pub(super) fn size_bytes(&self) -> usize {
        let terms = self.terms.len() * 2 * size_of::<u32>();
        size_of::<Self>() + OVERHEAD_BYTES + self.text.len() + terms
    }
}

impl Author {
    pub(super) fn new(name: &str) -> Self {
        let lower = name.to_lowercase();
        let is_generic = GENERIC_AUTHORS.contains(&lower.as_str());
        let words = if is_generic { Vec::new() } else { analyse::words(&lower) };
        Self { name: name.into(), words, called: Vec::new() }
    }

    pub(super) fn is_called(&mut self, name: String) {
        if self.called.len() < CALLED_MAX && !self.called.contains(&name) {
            self.called.push(name);
        }
    }

    /// Every name that means them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.words.iter().chain(&self.called)
    }
}

/// A piece of a document that is to be held.
pub(crate) struct Chunk {
    pub(crate) id: ChunkId,
    /// Its place among the document's chunks, from 0.
    pub(crate) number: u32,
    /// What it is found by beside its words: the file's name and title, and the headings above it.
    pub(crate) head: String,
    pub(crate) text: String,
    pub(crate) filename: String,
    /// When the document came.
    pub(crate) added_at: Timestamp,
}

/// What is to be held: a turn as it was said, a statement, or a chunk.
pub(super) struct Said {
    pub(super) thread: Option<ThreadId>,
    pub(super) position: u32,
    pub(super) speaker: Speaker,
    pub(super) author: String,
    /// What it is found by beside its words.
    pub(super) head: String,
    pub(super) text: String,
    pub(super) said_at: Timestamp,
}

impl Said {
    pub(super) fn turn(episode: Episode) -> Self {
        Self {
            head: embed::head(&episode.author, episode.said_at),
            thread: Some(episode.thread),
            position: episode.position,
            speaker: episode.speaker,
            author: episode.author,
            text: episode.text,
            said_at: episode.said_at,
        }
    }

    /// Of no conversation. What no longer holds says until when it did.
    pub(super) fn statement(statement: &Statement) -> Self {
        let said = &statement.said;
        let text = match (&statement.superseded_by, said.valid.to) {
            (Some(_), Some(end)) => format!("{} (until {})", said.text, end.date()),
            _ => said.text.clone(),
        };
        Self {
            thread: None,
            position: 0,
            speaker: match said.trust {
                Trust::DirectUser => Speaker::User,
                _ => Speaker::Assistant,
            },
            author: STATEMENT_AUTHOR.to_owned(),
            head: embed::head(STATEMENT_AUTHOR, said.said_at),
            text,
            said_at: said.said_at,
        }
    }

    pub(super) fn chunk(chunk: Chunk) -> Self {
        Self {
            thread: None,
            position: chunk.number,
            speaker: Speaker::User,
            author: chunk.filename,
            head: chunk.head,
            text: chunk.text,
            said_at: chunk.added_at,
        }
    }

    /// What it is found by: who said it and when, or what it stands under, and the words.
    pub(super) fn indexed_text(&self) -> String {
        format!("{}: {}", self.head, self.text)
    }
}
