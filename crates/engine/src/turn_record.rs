//! What a finished turn leaves behind: messages in its thread, and episodes in memory.

use backstay_core::{
    EpisodeId, MessageId, Name, Result, ThreadId, Timestamp,
    chat::{ChatReply, Message, Role, SettlementStatus},
    limits,
    memory::{Scope, Speaker},
};
use backstay_store::{
    NewEpisode, NewMessage, NewThread, SettledGeneration, ThreadTurn, TurnRecord,
};

use crate::{
    conversation::{KeepThread, implied_thread},
    generation::{Open, answer_message, answer_text},
};

/// Builds the record that one transaction writes.
pub(crate) fn build(
    open: &Open,
    settled: SettledGeneration,
    reply: &ChatReply,
    now: Timestamp,
) -> Result<TurnRecord> {
    let complete = settled.status == SettlementStatus::Completed;
    let answer = answer_message(reply);
    let (Some(scope), Some(answer)) = (&open.keep.scope, answer) else {
        return Ok(TurnRecord { settled, thread: None, episodes: Vec::new() });
    };
    let keep = &open.keep;
    let id = match &keep.thread {
        KeepThread::Nowhere => {
            return Ok(TurnRecord { settled, thread: None, episodes: Vec::new() });
        }
        KeepThread::New(id) | KeepThread::Existing(id) => id.clone(),
        // A conversation that is not to be remembered and whose history the client keeps leaves no
        // trace at all.
        KeepThread::Implied { .. } if !keep.remember => {
            return Ok(TurnRecord { settled, thread: None, episodes: Vec::new() });
        }
        KeepThread::Implied { opening } => {
            let answer = opening.answer.clone().unwrap_or_else(|| answer_text(reply));
            implied_thread(&open.context, scope, &opening.question, &answer)
        }
    };
    let mut messages = keep.messages.clone();
    messages.push(answer);
    let mut thread_messages = Vec::with_capacity(messages.len());
    let mut episodes = Vec::new();
    for message in messages {
        if keep.remember
            && let Some(episode) = episode(open, scope, &id, &message, thread_messages.len(), now)?
        {
            episodes.push(episode);
        }
        let incomplete = message.role == Role::Assistant && !complete;
        thread_messages.push(NewMessage {
            id: MessageId::new(open.engine.clock(), open.engine.random())?,
            author: author(scope, &message),
            message,
            said_at: now,
            incomplete,
        });
    }
    let create = NewThread { id, scope: scope.clone(), title: None, created_at: now };
    Ok(TurnRecord {
        settled,
        thread: Some(ThreadTurn { thread: create, messages: thread_messages }),
        episodes,
    })
}

/// The episode of a message that says something in words.
fn episode(
    open: &Open,
    scope: &Scope,
    thread: &ThreadId,
    message: &Message,
    message_index: usize,
    now: Timestamp,
) -> Result<Option<NewEpisode>> {
    let speaker = match message.role {
        Role::User => Speaker::User,
        // A built-in model says nothing of its own: remembering what it looked up or repeated
        // would make every memory twice as strong each time it is asked for.
        Role::Assistant if open.answered_by_builtin() => return Ok(None),
        Role::Assistant => Speaker::Assistant,
        Role::System | Role::Tool => return Ok(None),
    };
    let text = message.text();
    let text = truncate(text.trim(), limits::EPISODE_BYTES_MAX);
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(NewEpisode {
        id: EpisodeId::new(open.engine.clock(), open.engine.random())?,
        thread: thread.clone(),
        message_index,
        speaker,
        author: author(scope, message),
        text: text.to_owned(),
        said_at: now,
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

/// The longest beginning of at most so many bytes that ends at a character.
fn truncate(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
