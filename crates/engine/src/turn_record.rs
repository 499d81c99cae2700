//! What a finished turn leaves behind: messages in its thread, and episodes in memory.

use backstay_core::{
    CallContext, EpisodeId, MessageId, Name, Result, ThreadId, Timestamp,
    chat::{ChatReply, Message, Part, Role, SettlementStatus},
    limits,
    memory::{Scope, Speaker},
};
use backstay_providers::BUILTIN_PROVIDER;
use backstay_store::{
    NewEpisode, NewMessage, NewThread, SettledGeneration, ThreadTurn, TurnRecord,
};

use crate::{
    Engine,
    conversation::{Keep, KeepThread, implied_thread},
};

/// Who makes the record, for whom, and when.
#[derive(Clone, Copy)]
pub(crate) struct Made<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: &'a CallContext,
    pub(crate) at: Timestamp,
}

/// Builds the record that one transaction writes.
pub(crate) fn build(
    made: Made<'_>,
    keep: &Keep,
    settled: SettledGeneration,
    reply: &ChatReply,
) -> Result<TurnRecord> {
    let (Some(scope), Some(answer)) = (&keep.scope, answer_message(reply)) else {
        return Ok(unkept(settled));
    };
    let Some(id) = thread_of(made, keep, scope, reply) else {
        return Ok(unkept(settled));
    };
    let complete = settled.status == SettlementStatus::Completed;
    // A built-in model says nothing of its own: remembering what it looked up or repeated would
    // make every memory twice as strong each time it is asked for.
    let by_builtin = settled.provider.as_deref() == Some(BUILTIN_PROVIDER);
    let mut messages = Vec::new();
    let mut episodes = Vec::new();
    for message in keep.messages.iter().cloned().chain([answer]) {
        let by_model = message.role == Role::Assistant;
        if keep.remember && !(by_model && by_builtin) {
            episodes.extend(episode(made, scope, &id, &message, messages.len())?);
        }
        messages.push(NewMessage {
            id: MessageId::new(made.engine.clock(), made.engine.random())?,
            author: author(scope, &message),
            message,
            said_at: made.at,
            incomplete: by_model && !complete,
        });
    }
    let thread = NewThread {
        id,
        scope: scope.clone(),
        title: None,
        created_at: made.at,
        incognito: keep.incognito,
    };
    let learn = made.engine.options().learning.as_ref().map(|options| options.when(made.at));
    Ok(TurnRecord {
        settled,
        thread: Some(ThreadTurn { thread, messages }),
        episodes,
        learn,
        cache: None,
    })
}

fn unkept(settled: SettledGeneration) -> TurnRecord {
    TurnRecord { settled, thread: None, episodes: Vec::new(), learn: None, cache: None }
}

/// The thread that the turn belongs to; `None` for a turn that leaves no trace.
fn thread_of(made: Made<'_>, keep: &Keep, scope: &Scope, reply: &ChatReply) -> Option<ThreadId> {
    match &keep.thread {
        KeepThread::Nowhere => None,
        KeepThread::New(id) | KeepThread::Existing(id) => Some(id.clone()),
        // The client keeps the history, and nothing is to be remembered.
        KeepThread::Implied { .. } if !keep.remember => None,
        KeepThread::Implied { opening } => {
            let answer = opening.answer.clone().unwrap_or_else(|| answer_text(reply));
            Some(implied_thread(made.context, scope, &opening.question, &answer))
        }
    }
}

/// The episode of a message that says something in words.
fn episode(
    made: Made<'_>,
    scope: &Scope,
    thread: &ThreadId,
    message: &Message,
    message_index: usize,
) -> Result<Option<NewEpisode>> {
    let speaker = match message.role {
        Role::User => Speaker::User,
        Role::Assistant => Speaker::Assistant,
        Role::System | Role::Tool => return Ok(None),
    };
    let text = message.text();
    let text = text.trim();
    let text = &text[..text.floor_char_boundary(limits::EPISODE_BYTES_MAX)];
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(NewEpisode {
        id: EpisodeId::new(made.engine.clock(), made.engine.random())?,
        thread: thread.clone(),
        message_index,
        speaker,
        author: author(scope, message),
        text: text.to_owned(),
        said_at: made.at,
    }))
}

fn author(scope: &Scope, message: &Message) -> String {
    match message.role {
        Role::User => {
            let user = scope.user.as_ref().map(Name::as_str);
            message.name.as_deref().or(user).unwrap_or("user").to_owned()
        }
        Role::Assistant => scope.assistant.to_string(),
        Role::System => "system".to_owned(),
        Role::Tool => "tool".to_owned(),
    }
}

/// The assistant's words of the first choice; tool calls and thinking are not words.
fn answer_text(reply: &ChatReply) -> String {
    let first = reply.choices.first();
    first.map(|choice| choice.message.text()).unwrap_or_default()
}

/// The assistant's message as the thread keeps it: the first choice.
fn answer_message(reply: &ChatReply) -> Option<Message> {
    let choice = reply.choices.first()?;
    let parts: Vec<Part> = choice.message.parts.clone();
    (!parts.is_empty()).then(|| Message::new(Role::Assistant, parts))
}
