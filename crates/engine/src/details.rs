//! What a dialect that names its messages knows of a turn before it is answered.

use std::sync::Arc;

use backstay_core::{MemoryOperationId, MessageId, RunId, Timestamp, chat::Message};
use serde_json::{Map, Value};

use crate::run::{BuiltinTool, Deciding, KeptRun, Repeated};

/// Of a turn whose client is told how it will be kept.
#[derive(Clone, Default)]
pub(crate) struct TurnDetails {
    /// Of the turn's own messages, the first of the request beside its instructions; no other is kept.
    pub(crate) messages: Vec<MessageDetails>,
    pub(crate) answer: MessageDetails,
    /// What the assistant has said in earlier calls of the same run.
    pub(crate) said_before: String,
    /// When the turn took place, where that is not now.
    pub(crate) said_at: Option<Timestamp>,
    /// The assistant's name for people.
    pub(crate) author: Option<String>,
    /// Under which name the client waits for the turn to be learned from.
    pub(crate) operation: Option<MemoryOperationId>,
    pub(crate) run: Option<RunTicket>,
    /// Whether what was said is kept although nothing was answered.
    pub(crate) keeps_silence: bool,
    /// Tools that are carried out here. An answer that calls no others is no turn yet.
    pub(crate) builtin: Vec<BuiltinTool>,
    /// What calls of such tools have brought that led to answers of the thread.
    pub(crate) repeated: Vec<Repeated>,
    /// Whether more is recalled than usual, and marked so that the answer can name it.
    pub(crate) recall: RecallWish,
    /// Questions that the model is asked in the place of what its user said.
    pub(crate) deciding: Option<Arc<Deciding>>,
}

/// How a turn wants its memories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecallWish {
    pub(crate) more: bool,
    pub(crate) numbered: bool,
}

/// A message that is about to be kept.
#[derive(Clone, Default)]
pub(crate) struct MessageDetails {
    pub(crate) id: Option<MessageId>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// The run that a turn belongs to, and what it goes on with, should it have to wait for the outputs of its
/// client's tools.
#[derive(Clone)]
pub(crate) struct RunTicket {
    pub(crate) id: RunId,
    pub(crate) kept: KeptRun,
    /// Messages of this run so far, each of which called built-in tools alone; of each its calls.
    pub(crate) rounds: Vec<Message>,
}
