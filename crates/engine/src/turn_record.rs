//! What a finished turn leaves behind: messages in its thread, and episodes in memory.

use backstay_core::{
    CallContext, EpisodeId, MessageId, Name, Result, ThreadId, Timestamp,
    chat::{ChatReply, Message, Part, Role, SettlementStatus, ToolCall},
    limits,
    memory::{Scope, Speaker},
};
use backstay_providers::BUILTIN_PROVIDER;
use backstay_store::{
    LearnWhen, NewEpisode, NewMessage, NewThread, NewTurn, RunEnding, RunOutcome,
    SettledGeneration, ThreadTurn, TurnRecord,
};
use serde_json::json;

use crate::{
    Engine,
    conversation::{Keep, KeepThread, implied_thread},
    details::{MessageDetails, RunTicket, TurnDetails},
    run::{BREAK, BuiltinTool, EarlierCalls},
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
    let unkept = |settled| TurnRecord { settled, turn: None, cache: None };
    let details = keep.details.as_deref();
    let Some(scope) = &keep.scope else {
        return Ok(unkept(settled));
    };
    let is_complete = settled.status == SettlementStatus::Completed;
    let answer = match answer_message(reply, is_complete, details) {
        Answer::Said(answer) => answer,
        Answer::Nothing if details.is_some_and(|details| details.keeps_silence) => {
            Message::new(Role::Assistant, Vec::new())
        }
        Answer::Nothing | Answer::OnItsWay => return Ok(unkept(settled)),
    };
    let Some(id) = thread_of(made, keep, scope, reply) else {
        return Ok(unkept(settled));
    };
    let is_silent = answer.parts.is_empty();
    let is_unreadable = is_silent && details.is_some_and(|details| details.deciding.is_some());
    // A built-in model says nothing of its own: remembering what it looked up or repeated would
    // make every memory twice as strong each time it is asked for.
    let by_builtin = settled.provider.as_deref() == Some(BUILTIN_PROVIDER);
    let answer = Message { made_by: settled.provider.clone(), ..answer };
    let run = details.and_then(|details| outcome(details, (&answer, reply), settled.status));
    let said = keep.messages.iter().cloned().map(|message| Said { message, incomplete: false });
    let answered = Said { message: answer, incomplete: !is_complete || is_unreadable };
    // What nobody answered will be said again, and is remembered then.
    let speakers =
        |message: &Message| !(is_silent || message.role == Role::Assistant && by_builtin);
    let turn = turn(made, (keep, scope, id), said.chain([answered]).collect(), speakers)?;
    let operation = turn.operation.clone().filter(|_| !is_silent);
    Ok(TurnRecord { settled, turn: Some(NewTurn { run, operation, ..turn }), cache: None })
}

/// A message of a turn.
pub(crate) struct Said {
    pub(crate) message: Message,
    /// It broke off.
    pub(crate) incomplete: bool,
}

/// What is kept of messages, in their order; `remembers` says whose words become memories.
pub(crate) fn turn(
    made: Made<'_>,
    (keep, scope, id): (&Keep, &Scope, ThreadId),
    said: Vec<Said>,
    remembers: impl Fn(&Message) -> bool,
) -> Result<NewTurn> {
    let details = keep.details.as_deref();
    let mut messages = Vec::with_capacity(said.len());
    let mut episodes = Vec::new();
    for (index, Said { message, incomplete }) in said.into_iter().enumerate() {
        let author = author(scope, details, &message);
        if keep.remember && remembers(&message) {
            let said_at = details.and_then(|details| details.said_at).unwrap_or(made.at);
            episodes.extend(episode(made, (&id, said_at), &author, &message, index)?);
        }
        let MessageDetails { id: known, metadata } = details_of(details, &message, index);
        let fresh = || MessageId::new(made.engine.clock(), made.engine.random());
        messages.push(NewMessage {
            id: known.map_or_else(fresh, Ok)?,
            author,
            message,
            said_at: made.at,
            incomplete,
            metadata,
        });
    }
    let thread = NewThread {
        id,
        scope: scope.clone(),
        title: None,
        created_at: made.at,
        incognito: keep.incognito,
    };
    let operation = details.and_then(|details| details.operation.clone());
    Ok(NewTurn {
        thread: ThreadTurn { thread, messages },
        episodes,
        learn: learn_when(made, operation.is_some()),
        operation: operation.filter(|_| keep.remember),
        run: None,
    })
}

/// A client that waits for what is learned is not to wait for silence.
fn learn_when(made: Made<'_>, is_waited_for: bool) -> Option<LearnWhen> {
    let options = made.engine.options().learning.as_ref()?;
    let when = options.when(made.at);
    Some(if is_waited_for { LearnWhen { new_turns: 1, ..when } } else { when })
}

fn details_of(details: Option<&TurnDetails>, message: &Message, index: usize) -> MessageDetails {
    let Some(details) = details else { return MessageDetails::default() };
    match message.role {
        Role::Assistant => details.answer.clone(),
        _ => details.messages.get(index).cloned().unwrap_or_default(),
    }
}

/// A run whose answer calls a tool of its client's waits for what that says.
fn outcome(
    details: &TurnDetails,
    (answer, reply): (&Message, &ChatReply),
    status: SettlementStatus,
) -> Option<RunOutcome> {
    let RunTicket { id, kept, rounds } = details.run.as_ref()?;
    let calls = answer.tool_calls().next().is_some();
    let ending = match status {
        SettlementStatus::Completed if calls => {
            let mut kept = kept.clone();
            let beside = own_calls(details, reply);
            if let Some(answer) =
                details.answer.id.clone().filter(|_| !rounds.is_empty() || !beside.is_empty())
            {
                kept.earlier.push(EarlierCalls { answer, before: rounds.clone(), beside });
            }
            RunEnding::Waits(json!(kept))
        }
        SettlementStatus::Cancelled => RunEnding::Cancelled,
        _ => RunEnding::Completed,
    };
    Some(RunOutcome { id: id.clone(), ending })
}

/// Of an answer, the calls of tools that are carried out here.
fn own_calls(details: &TurnDetails, reply: &ChatReply) -> Vec<ToolCall> {
    let calls = reply.choices.first().into_iter().flat_map(|choice| choice.message.tool_calls());
    let is_own = |call: &&ToolCall| BuiltinTool::find(&details.builtin, &call.name).is_some();
    calls.filter(is_own).cloned().collect()
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
    (thread, said_at): (&ThreadId, Timestamp),
    author: &str,
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
        author: author.to_owned(),
        text: text.to_owned(),
        said_at,
    }))
}

fn author(scope: &Scope, details: Option<&TurnDetails>, message: &Message) -> String {
    let assistant = details.and_then(|details| details.author.clone());
    match message.role {
        Role::User => {
            let user = scope.user.as_ref().map(Name::as_str);
            message.name.as_deref().or(user).unwrap_or("user").to_owned()
        }
        Role::Assistant => assistant.unwrap_or_else(|| scope.assistant.to_string()),
        Role::System => "system".to_owned(),
        Role::Tool => "tool".to_owned(),
    }
}

/// The assistant's words of the first choice; tool calls and thinking are not words.
fn answer_text(reply: &ChatReply) -> String {
    let first = reply.choices.first();
    first.map(|choice| choice.message.text()).unwrap_or_default()
}

/// The assistant's message as a thread keeps it.
enum Answer {
    Said(Message),
    Nothing,
    /// It does nothing but call tools that are carried out here.
    OnItsWay,
}

/// The first choice, with what was said before in the same run, and without calls of tools that are
/// carried out here. An answer to typed questions that cannot be read says nothing.
fn answer_message(reply: &ChatReply, is_complete: bool, details: Option<&TurnDetails>) -> Answer {
    if let Some(deciding) = details.and_then(|details| details.deciding.as_ref()) {
        return deciding.answer(reply).map_or(Answer::Nothing, Answer::Said);
    }
    let first = reply.choices.first();
    let mut parts: Vec<Part> = first.map(|choice| choice.message.parts.clone()).unwrap_or_default();
    if let Some(details) = details {
        let is_own = |part: &Part| match part {
            Part::ToolCall(call) => BuiltinTool::find(&details.builtin, &call.name).is_some(),
            _ => false,
        };
        let calls_own = parts.iter().any(is_own);
        parts.retain(|part| !is_own(part));
        let calls_others = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        if calls_own && !calls_others && is_complete {
            return Answer::OnItsWay;
        }
        say_before(&details.said_before, &mut parts);
    }
    match parts.is_empty() {
        true => Answer::Nothing,
        false => Answer::Said(Message::new(Role::Assistant, parts)),
    }
}

/// Puts words before those of a message, as its client was told them.
fn say_before(before: &str, parts: &mut Vec<Part>) {
    if before.is_empty() {
        return;
    }
    let said = parts.iter_mut().find_map(|part| match part {
        Part::Text { text } => Some(text),
        _ => None,
    });
    match said {
        Some(text) => text.insert_str(0, &format!("{before}{BREAK}")),
        None => parts.insert(0, Part::Text { text: before.to_owned() }),
    }
}
