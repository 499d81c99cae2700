//! Conversations with questions whose evidence is known.

use backstay_core::Timestamp;
use backstay_store::ImportedTurn;

pub(crate) struct Dataset {
    pub(crate) conversations: Vec<Conversation>,
}

pub(crate) struct Conversation {
    pub(crate) name: String,
    pub(crate) sessions: Vec<Session>,
    pub(crate) questions: Vec<Question>,
    /// When the questions are asked: after everything was said.
    pub(crate) asked_at: Timestamp,
}

pub(crate) struct Session {
    pub(crate) name: String,
    /// Each with the name that evidence has for it.
    pub(crate) turns: Vec<(String, ImportedTurn)>,
}

pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) category: String,
    /// Names of the turns that hold the answer.
    pub(crate) evidence: Vec<String>,
    /// True when the right answer is that it was never said.
    pub(crate) unanswerable: bool,
}
