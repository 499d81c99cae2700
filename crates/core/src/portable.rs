//! Memory as it leaves one installation and enters another: complete, and without anything that
//! only means something here.

use serde::{Deserialize, Serialize};

use crate::{
    EpisodeId, MessageId, Name, ThreadId, Timestamp,
    chat::Message,
    memory::{Scope, Speaker, Statement, Trust},
};

/// One thing that is carried over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PortableRecord {
    Thread(PortableThread),
    /// One version of a statement.
    Statement(Box<Statement>),
}

/// A conversation with its messages and what of them is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableThread {
    pub id: ThreadId,
    pub assistant: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incognito: bool,
    /// In order; their places are counted from 0.
    #[serde(default)]
    pub messages: Vec<PortableMessage>,
    /// By position.
    #[serde(default)]
    pub turns: Vec<PortableTurn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableMessage {
    pub id: MessageId,
    pub author: String,
    #[serde(flatten)]
    pub message: Message,
    pub said_at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// A remembered turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableTurn {
    pub id: EpisodeId,
    /// Of its message in the thread.
    pub position: u32,
    pub speaker: Speaker,
    pub author: String,
    pub text: String,
    pub said_at: Timestamp,
    pub recorded_at: Timestamp,
    pub source: String,
    pub trust: Trust,
}

impl PortableThread {
    pub fn scope(&self) -> Scope {
        Scope { assistant: self.assistant.clone(), user: self.user.clone() }
    }
}
