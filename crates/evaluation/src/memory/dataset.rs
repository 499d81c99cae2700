//! Conversations with questions whose evidence is known, whatever file they come from.

use std::collections::HashMap;

use backstay_core::{Timestamp, memory::Speaker};
use serde::Serialize;

/// Which shape a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Maharana et al., "Evaluating very long-term conversational memory of LLM agents", 2024.
    LoCoMo,
    /// Tavakoli et al., "Beyond a million tokens", 2025.
    Beam,
    /// Wu et al., "LongMemEval", 2024.
    LongMemEval,
    /// Plain chat JSON with questions: Backstay's own.
    Plain,
}

impl Format {
    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::LoCoMo => "LoCoMo",
            Self::Beam => "BEAM",
            Self::LongMemEval => "LongMemEval",
            Self::Plain => "plain chat JSON",
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub format: Format,
    /// At least one, each with a turn and a question.
    pub conversations: Vec<Conversation>,
}

/// Everything that one memory is told, and what it is asked afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    pub name: String,
    /// Oldest first, none of them empty.
    pub sessions: Vec<Session>,
    pub questions: Vec<Question>,
}

/// One sitting; it becomes one thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub name: String,
    /// In the order spoken, all with words.
    pub turns: Vec<Turn>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What evidence calls it; unique within the conversation.
    pub name: String,
    pub speaker: Speaker,
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub text: String,
    /// The file's own word for what is hard about it.
    pub kind: String,
    pub evidence: Evidence,
    /// True when the right answer is that it was never said.
    pub unanswerable: bool,
    /// What "yesterday" in the question counts from.
    pub asked_at: Timestamp,
    /// The right answer in words, where the file has one.
    pub answer: Option<String>,
}

/// What holds an answer. Numbers count from 0 through the conversation in the order of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// These turns, all of them needed. None when nothing is known to hold the answer.
    Turns(Vec<usize>),
    /// Any turn of each of these sessions: the file does not say which.
    Sessions(Vec<usize>),
}

impl Evidence {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Turns(places) | Self::Sessions(places) => places.is_empty(),
        }
    }
}

impl Conversation {
    /// All turns, in order; their places in it are the numbers that [`Evidence`] uses.
    pub fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.sessions.iter().flat_map(|session| &session.turns)
    }

    /// For each turn the number of its session.
    pub(crate) fn session_of_turns(&self) -> Vec<usize> {
        let sessions = self.sessions.iter().enumerate();
        sessions.flat_map(|(number, session)| session.turns.iter().map(move |_| number)).collect()
    }
}

impl Dataset {
    /// Turns of all conversations.
    pub fn episodes(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.turns().count()).sum()
    }

    pub fn questions(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.questions.len()).sum()
    }
}

/// The numbers of turns by their names, once every turn is known.
pub(crate) struct TurnNumbers(HashMap<String, usize>);

impl TurnNumbers {
    pub(crate) fn of(sessions: &[Session]) -> Self {
        let turns = sessions.iter().flat_map(|session| &session.turns);
        Self(turns.enumerate().map(|(number, turn)| (turn.name.clone(), number)).collect())
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Without names of turns that are not there: published files have some.
    pub(crate) fn evidence<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Evidence {
        let mut numbers: Vec<usize> =
            names.into_iter().filter_map(|name| self.0.get(name).copied()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Evidence::Turns(numbers)
    }
}

/// Without turns that have no words, which are not remembered, and sessions without turns.
pub(crate) fn spoken(mut sessions: Vec<Session>) -> Vec<Session> {
    for session in &mut sessions {
        session.turns.retain(|turn| !turn.text.trim().is_empty());
    }
    sessions.retain(|session| !session.turns.is_empty());
    sessions
}
