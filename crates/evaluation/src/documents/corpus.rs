//! Files and questions made of conversations.

use backstay_core::{Error, Result, tokens};
use backstay_documents::{Chunk, ChunkOptions, Limits, Source, chunk, parse};

use crate::memory::{Conversation, Dataset, Evidence, Session};

/// A file with its chunks.
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) chunks: Vec<Chunk>,
    /// Its first chunk's number among those of all files.
    pub(super) first: usize,
}

pub(super) struct Question {
    pub(super) text: String,
    /// The chunks that are to be found, by their numbers among those of all files.
    pub(super) relevant: Vec<usize>,
}

pub(super) struct Corpus {
    pub(super) files: Vec<File>,
    pub(super) questions: Vec<Question>,
}

impl Corpus {
    pub(super) fn of(dataset: &Dataset) -> Result<Self> {
        let mut corpus = Self { files: Vec::new(), questions: Vec::new() };
        for conversation in &dataset.conversations {
            corpus.add(conversation)?;
        }
        Ok(corpus)
    }

    /// A file for each session; questions whose evidence is not known by turns are left out.
    fn add(&mut self, conversation: &Conversation) -> Result<()> {
        // By turn: the chunk that holds it.
        let mut holders = Vec::new();
        for session in &conversation.sessions {
            let (text, lines) = written(conversation, session);
            let name = format!("{}-{}.md", conversation.name, session.name);
            let parsed = parse(&Limits::default(), &name, text.clone().into_bytes());
            let parsed = parsed.map_err(|cause| Error::internal(cause.to_string()))?;
            let chunks = chunk(&parsed, &ChunkOptions::default(), &tokens::estimate);
            let first = self.files.last().map_or(0, |file| file.first + file.chunks.len());
            holders.extend(lines.into_iter().map(|line| {
                let holder = chunks.iter().position(|chunk| holds(&chunk.source, line));
                holder.map(|number| first + number)
            }));
            self.files.push(File { name, text, chunks, first });
        }
        for question in conversation.questions.iter().filter(|question| !question.unanswerable) {
            let Evidence::Turns(turns) = &question.evidence else { continue };
            let mut relevant: Vec<usize> =
                turns.iter().filter_map(|turn| holders.get(*turn).copied().flatten()).collect();
            relevant.sort_unstable();
            relevant.dedup();
            if !relevant.is_empty() {
                self.questions.push(Question { text: question.text.clone(), relevant });
            }
        }
        Ok(())
    }
}

/// A session as minutes of a meeting, and the line of each turn.
fn written(conversation: &Conversation, session: &Session) -> (String, Vec<u32>) {
    let day = session.turns.first().map(|turn| turn.said_at.date()).unwrap_or_default();
    let mut text = format!("# {}, {day}\n", conversation.name);
    let mut lines = Vec::with_capacity(session.turns.len());
    for turn in &session.turns {
        let words: Vec<&str> = turn.text.split_whitespace().collect();
        text.push_str(&format!("\n{}: {}\n", turn.author, words.join(" ")));
        lines.push(u32::try_from(text.lines().count()).unwrap_or(u32::MAX));
    }
    (text, lines)
}

fn holds(source: &Source, line: u32) -> bool {
    matches!(source, Source::Lines { first, last } if (*first..=*last).contains(&line))
}
