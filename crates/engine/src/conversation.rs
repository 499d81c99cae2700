//! What a call is given to know: its thread's history and the memories that bear on it.

use backstay_core::{
    CallContext, Error, ErrorCode, GenerationId, Name, Result, ThreadId,
    chat::{ChatRequest, Message, Part, RecalledBlock, Role},
    memory::{MemoryMode, RecallFilter, Recalled, Scope},
};
use backstay_memory::RecallOptions;
use backstay_store::{StoredMessage, Thread};
use backstay_wire::{RequestExtension, ThreadChoice};

use crate::{Engine, admission::authorise_memory, details::TurnDetails, history, import::digest};

/// Messages of a thread that are looked at for one prompt.
const HISTORY_MESSAGES_MAX: usize = 1_000;

/// How many times more is recalled for a turn that asks for more.
const RECALL_MORE: u64 = 3;

/// A call with everything that its prompt needs, and what is to be kept of it afterwards.
pub(crate) struct Turn {
    pub(crate) request: ChatRequest,
    pub(crate) keep: Keep,
    pub(crate) recalled: Vec<Recalled>,
    pub(crate) memory_tokens: u64,
    /// Whether the prompt holds something that may be forgotten, or nothing is to stay of the call.
    pub(crate) may_be_forgotten: bool,
    /// Of the prompt, what stands for turns that do not fit into it.
    pub(crate) summary_tokens: u64,
}

impl Turn {
    /// A call that is given nothing to know.
    pub(crate) fn plain(request: ChatRequest, keep: Keep) -> Self {
        Self {
            request,
            keep,
            recalled: Vec::new(),
            memory_tokens: 0,
            may_be_forgotten: false,
            summary_tokens: 0,
        }
    }
}

/// Where the turn is kept once the model has answered.
#[derive(Clone, Default)]
pub(crate) struct Keep {
    pub(crate) scope: Option<Scope>,
    pub(crate) thread: KeepThread,
    /// The client's own messages of this turn.
    pub(crate) messages: Vec<Message>,
    /// Whether the turn is remembered as episodes.
    pub(crate) remember: bool,
    /// Whether nothing of its thread ever is.
    pub(crate) incognito: bool,
    /// What the client knows of the turn already.
    pub(crate) details: Option<Box<TurnDetails>>,
}

#[derive(Clone, Default)]
pub(crate) enum KeepThread {
    /// A plain, stateless call.
    #[default]
    Nowhere,
    New(ThreadId),
    Existing(ThreadId),
    /// The client keeps the history itself; the turn still belongs to a conversation, which is
    /// recognised by how it began.
    Implied {
        opening: Opening,
    },
}

/// How a client-kept conversation began: the same two messages every time the client sends it.
#[derive(Clone, Default)]
pub(crate) struct Opening {
    pub(crate) question: String,
    /// `None` in the conversation's first call, whose answer is still to come.
    pub(crate) answer: Option<String>,
}

impl KeepThread {
    /// The thread that the client named or asked for.
    pub(crate) fn requested(&self) -> Option<&ThreadId> {
        match self {
            Self::New(id) | Self::Existing(id) => Some(id),
            Self::Nowhere | Self::Implied { .. } => None,
        }
    }
}

pub(crate) async fn prepare(
    engine: &Engine,
    context: &CallContext,
    mut request: ChatRequest,
    extension: Option<RequestExtension>,
    (details, window): (Option<TurnDetails>, Option<u64>),
) -> Result<Turn> {
    let Some(extension) = extension else {
        return Ok(Turn::plain(request, Keep::default()));
    };
    if extension.memory != Some(MemoryMode::Off) || extension.thread.is_some() {
        authorise_memory(context)?;
    }
    let (thread, known) = choose_thread(engine, context, &extension, &request).await?;
    let incognito = extension.thread == Some(ThreadChoice::Incognito)
        || known.as_ref().is_some_and(|thread| thread.incognito);
    let mode = if incognito { MemoryMode::Off } else { extension.memory.unwrap_or_default() };
    let scope = scope(&extension, known.as_ref())?;
    let mut messages = new_messages(&request, &thread);
    let mut summary_tokens = 0;
    let shown_from = match (&thread, &details) {
        (KeepThread::Existing(id), None) => {
            let turns = extension.turns.as_deref();
            Some(add_history(engine, context, (id, turns), &mut request.messages).await?)
        }
        (KeepThread::Existing(id), Some(details)) => {
            let wanted = (window, details.repeated.as_slice());
            let added = history::add(engine, context, id, wanted, &mut request).await?;
            summary_tokens = added.summary_tokens;
            Some(added.shown_from)
        }
        _ => None,
    };
    if let Some(details) = &details {
        messages.truncate(details.messages.len());
        if let (Some(deciding), Some(last)) = (&details.deciding, messages.last_mut()) {
            *last = deciding.said.clone();
        }
    }
    let may_be_forgotten = shown_from.is_some() || incognito;
    let remember = mode == MemoryMode::Auto;
    let thread = if extension.discard { KeepThread::Nowhere } else { thread };
    let details = details.map(Box::new);
    let keep = Keep { scope: Some(scope.clone()), thread, messages, remember, incognito, details };
    if mode == MemoryMode::Off {
        return Ok(Turn { may_be_forgotten, summary_tokens, ..Turn::plain(request, keep) });
    }
    let (recalled, memory_tokens) =
        recall(engine, context, &scope, (&keep, shown_from), extension.filter, &mut request)
            .await?;
    let may_be_forgotten = may_be_forgotten || !recalled.is_empty();
    Ok(Turn { request, keep, recalled, memory_tokens, may_be_forgotten, summary_tokens })
}

async fn choose_thread(
    engine: &Engine,
    context: &CallContext,
    extension: &RequestExtension,
    request: &ChatRequest,
) -> Result<(KeepThread, Option<Thread>)> {
    match &extension.thread {
        Some(ThreadChoice::New | ThreadChoice::Incognito) => {
            let id = ThreadId::new(engine.clock(), engine.random())?;
            Ok((KeepThread::New(id), None))
        }
        Some(ThreadChoice::Existing(id)) => {
            let found = engine.store().workspace(&context.workspace).thread(id).await?;
            let known = found.ok_or_else(|| {
                Error::new(
                    ErrorCode::NotFound,
                    format!("there is no thread {id}; send \"new\" to open one"),
                )
                .with_parameter("backstay.thread")
            })?;
            Ok((KeepThread::Existing(id.clone()), Some(known)))
        }
        None => Ok((KeepThread::Implied { opening: opening(&request.messages) }, None)),
    }
}

/// A thread belongs to the assistant and user that it was opened for; naming others is a mistake
/// that must not mix two people's memories.
fn scope(extension: &RequestExtension, known: Option<&Thread>) -> Result<Scope> {
    let Some(thread) = known else {
        let assistant = extension.assistant.clone().unwrap_or_else(Name::default_assistant);
        return Ok(Scope { assistant, user: extension.user.clone() });
    };
    let other_assistant =
        extension.assistant.as_ref().is_some_and(|name| *name != thread.scope.assistant);
    let other_user = extension.user.is_some() && extension.user != thread.scope.user;
    if other_assistant || other_user {
        return Err(Error::invalid(format!(
            "thread {} belongs to another assistant or user; leave both out, or open a new thread",
            thread.id
        ))
        .with_parameter(if other_assistant {
            "backstay.assistant"
        } else {
            "backstay.user"
        }));
    }
    Ok(thread.scope.clone())
}

/// With a server-kept thread everything but instructions is new; a client that keeps the history
/// itself repeats it, and what follows the last answer is new.
fn new_messages(request: &ChatRequest, thread: &KeepThread) -> Vec<Message> {
    let messages = &request.messages;
    let start = match thread {
        KeepThread::Implied { .. } => messages
            .iter()
            .rposition(|message| message.role == Role::Assistant)
            .map_or(0, |position| position + 1),
        _ => 0,
    };
    messages[start..].iter().filter(|message| message.role != Role::System).cloned().collect()
}

fn opening(messages: &[Message]) -> Opening {
    let question = messages.iter().find(|m| m.role == Role::User).map(Message::text);
    let answer = messages.iter().find(|m| m.role == Role::Assistant).map(Message::text);
    Opening { question: question.unwrap_or_default(), answer }
}

/// Puts the newest turns of the thread that fit the budget behind the instructions and before the
/// new turn. Returns the position in the thread from which on the prompt holds everything.
async fn add_history(
    engine: &Engine,
    context: &CallContext,
    (thread, turns): (&ThreadId, Option<&[GenerationId]>),
    messages: &mut Vec<Message>,
) -> Result<u32> {
    let store = engine.store().workspace(&context.workspace);
    let mut stored = store.thread_messages(thread, HISTORY_MESSAGES_MAX).await?;
    stored.retain(StoredMessage::says_something);
    if let Some(turns) = turns {
        stored.retain(|message| message.generation.as_ref().is_some_and(|id| turns.contains(id)));
    }
    let mut budget = engine.options().history_tokens;
    let mut start = stored.len();
    for (index, message) in stored.iter().enumerate().rev() {
        let cost = message.message.estimated_tokens();
        if cost > budget {
            break;
        }
        budget -= cost;
        // History must open with something that was said, never with an answer to what was cut.
        if message.message.role == Role::User {
            start = index;
        }
    }
    let shown_from = stored.get(start).map_or(u32::MAX, |message| message.position);
    let instructions = messages.iter().take_while(|m| m.role == Role::System).count();
    let history = stored.into_iter().skip(start).map(|stored| stored.message);
    messages.splice(instructions..instructions, history);
    Ok(shown_from)
}

/// Recalls what bears on the last thing the user said, and puts it right before it: as late as
/// possible, so that the prompt before it stays the same from call to call and providers can cache
/// it.
async fn recall(
    engine: &Engine,
    context: &CallContext,
    scope: &Scope,
    (keep, shown_from): (&Keep, Option<u32>),
    filter: RecallFilter,
    request: &mut ChatRequest,
) -> Result<(Vec<Recalled>, u64)> {
    let asked = request.messages.iter().enumerate().rev().find_map(|(index, message)| {
        let text = (message.role == Role::User).then(|| message.text())?;
        (!text.trim().is_empty()).then_some((index, text))
    });
    let Some((index, question)) = asked else {
        return Ok((Vec::new(), 0));
    };
    let details = keep.details.as_ref();
    let wish = details.map(|details| details.recall).unwrap_or_default();
    let deciding = details.and_then(|details| details.deciding.as_ref());
    let question = deciding.map_or(question, |deciding| deciding.to_recall_text());
    let share = if wish.more { RECALL_MORE } else { 1 };
    let options = RecallOptions {
        budget_tokens: engine.options().budget_tokens.saturating_mul(share),
        exclude: excluded(context, scope, &keep.thread, shown_from),
        filter,
        ..RecallOptions::at(engine.clock().now())
    };
    let recall = engine.memory().recall(&context.workspace, scope, &question, options).await?;
    if recall.items.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let block = RecalledBlock { items: recall.items.clone(), numbered: wish.numbered };
    let block = Part::Recalled(block);
    request.messages.insert(index, Message::new(Role::User, vec![block]));
    Ok((recall.items, recall.tokens))
}

fn excluded(
    context: &CallContext,
    scope: &Scope,
    thread: &KeepThread,
    shown_from: Option<u32>,
) -> Option<(ThreadId, u32)> {
    match thread {
        KeepThread::Existing(id) => Some((id.clone(), shown_from.unwrap_or(0))),
        KeepThread::Implied { opening } => {
            let answer = opening.answer.as_deref()?;
            Some((implied_thread(context, scope, &opening.question, answer), 0))
        }
        KeepThread::New(_) | KeepThread::Nowhere => None,
    }
}

/// The thread of a conversation whose history the client keeps: the same scope and the same first
/// exchange name the same thread, in every call, on every node, without a lookup.
pub(crate) fn implied_thread(
    context: &CallContext,
    scope: &Scope,
    question: &str,
    answer: &str,
) -> ThreadId {
    let user = scope.user.as_ref().map_or("", Name::as_str);
    let parts = [context.workspace.as_str(), scope.assistant.as_str(), user, question, answer];
    ThreadId::implied(&digest(&parts))
}
