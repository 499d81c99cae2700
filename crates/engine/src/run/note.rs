//! Something that is said without anybody being asked: kept in its thread, and remembered.

use backstay_core::{
    CallContext, MemoryOperationId, MessageId, Result, ThreadId,
    chat::{Message, Role},
    memory::MemoryMode,
};
use backstay_store::Document;

use super::NewRun;
use crate::{
    Engine,
    admission::authorise_memory,
    conversation::Keep,
    details::{MessageDetails, TurnDetails},
    turn_record::{self, Made, Said},
};

/// A message that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    pub message: MessageId,
    pub thread: ThreadId,
    /// What came with it.
    pub attachments: Vec<Document>,
    pub operation: Option<MemoryOperationId>,
}

impl Engine {
    /// Keeps what a user says and calls no model.
    pub async fn note(&self, context: &CallContext, new: NewRun) -> Result<Noted> {
        authorise_memory(context)?;
        let NewRun { assistant, thread, content, files, metadata, said_at, settings, .. } = new;
        let (thread, unanswered) = self.open_place(context, &assistant, thread).await?;
        let message = MessageId::new(self.clock(), self.random())?;
        let attachments = self.attach(context, &thread, &message, files).await?;
        let remember = settings.memory == MemoryMode::Auto;
        let operation = match remember {
            true => Some(MemoryOperationId::new(self.clock(), self.random())?),
            false => None,
        };
        let mut messages: Vec<MessageDetails> =
            unanswered.iter().map(|_| MessageDetails::default()).collect();
        messages.push(MessageDetails { id: Some(message.clone()), metadata });
        let details = TurnDetails {
            messages,
            said_at,
            author: Some(assistant.name.clone()),
            operation: operation.clone(),
            ..TurnDetails::default()
        };
        let scope = assistant.memory_scope();
        let keep = Keep { remember, details: Some(Box::new(details)), ..Keep::default() };
        let said = unanswered.into_iter().chain([Message::new(Role::User, content)]);
        let said = said.map(|message| Said { message, incomplete: false }).collect();
        let made = Made { engine: self, context, at: self.clock().now() };
        let turn = turn_record::turn(made, (&keep, &scope, thread.clone()), said, |_| true)?;
        let store = self.store().workspace(&context.workspace);
        let stored = store.enter_turn(turn, made.at).await?;
        if !stored.episodes.is_empty() {
            self.jobs().embed_soon();
            self.jobs().learn_soon();
        }
        Ok(Noted { message, thread, attachments, operation })
    }
}
