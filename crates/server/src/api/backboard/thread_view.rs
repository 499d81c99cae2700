//! A thread as this dialect shows it: its messages, with what the ledger says of the calls they were said
//! in, and whether one of them waits for tools.

use std::collections::HashMap;

use axum::http::HeaderMap;
use backstay_core::{
    GenerationId, Result,
    chat::{Message, Part, Role, SettlementStatus},
    document::DocumentOwner,
    limits,
};
use backstay_store::{Document, GenerationRow, StoredMessage, Thread};
use serde_json::{Map, Value, json};

use super::{
    client::Client,
    document_view::attachment,
    ids::{self, shown},
    reply::tool_calls,
};
use crate::{api::caller::Caller, state::AppState};

/// How much of a thread is shown, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) messages: bool,
    pub(super) client: Client,
}

impl Shown {
    pub(super) fn whole(headers: &HeaderMap) -> Self {
        Self { messages: true, client: Client::of(headers) }
    }
}

pub(super) async fn show(
    state: &AppState,
    caller: &Caller,
    thread: Thread,
    shown: Shown,
) -> Result<Value> {
    let store = state.engine.store().workspace(&caller.context.workspace);
    let assistant = ids::assistant_of(state, caller, &thread.scope.assistant).await?;
    let stored = match shown.messages {
        true => store.thread_messages(&thread.id, limits::MESSAGES_MAX).await?,
        false => Vec::new(),
    };
    let first = match shown.messages {
        true => stored.iter().map(|stored| &stored.message).find(|m| m.role == Role::User).cloned(),
        false => store.first_said(&thread.id).await?,
    };
    let mut ids: Vec<GenerationId> =
        stored.iter().filter_map(|stored| stored.generation.clone()).collect();
    ids.dedup();
    let calls = store.generations(ids).await?.into_iter();
    let calls: HashMap<GenerationId, GenerationRow> =
        calls.map(|call| (call.id.clone(), call)).collect();
    let ends_with_calls = stored.last().is_some_and(calls_tools);
    let waits = ends_with_calls && store.waiting_run(&thread.id).await?.is_some();
    let count = stored.len();
    let attached = match shown.messages {
        true => store.documents_of_messages(&thread.id).await?,
        false => Vec::new(),
    };
    let messages = stored.iter().enumerate().map(|(index, stored)| {
        let call = stored.generation.as_ref().and_then(|id| calls.get(id));
        let last_waits = (index + 1 == count).then_some(waits);
        message((stored, shown.client), call, &attached, last_waits)
    });
    Ok(json!({
        "thread_id": shown!(thread.id),
        "assistant_id": shown!(assistant.id),
        "title": thread.title,
        "first_user_message": first.as_ref().map(Message::text),
        "message_count": thread.message_count,
        "created_at": thread.created_at.to_micros_text(),
        "updated_at": thread.updated_at.to_micros_text(),
        "messages": messages.collect::<Vec<_>>(),
        "metadata_": null,
    }))
}

fn calls_tools(stored: &StoredMessage) -> bool {
    stored.message.tool_calls().next().is_some()
}

/// `last_waits` is known of the thread's last message.
fn message(
    (stored, client): (&StoredMessage, Client),
    call: Option<&GenerationRow>,
    attached: &[Document],
    last_waits: Option<bool>,
) -> Value {
    let is_of = |document: &&Document| matches!(&document.owner, DocumentOwner::Message { message, .. } if *message == stored.id);
    let attachments: Vec<Value> = attached.iter().filter(is_of).map(attachment).collect();
    let is_answer = stored.message.role == Role::Assistant;
    let call = call.filter(|_| is_answer);
    let usage = call.and_then(|call| call.usage.as_ref());
    json!({
        "message_id": shown!(stored.id),
        "role": role(stored.message.role, client),
        "content": content(stored),
        "created_at": stored.said_at.to_micros_text(),
        "status": status(stored, call, last_waits),
        "metadata_": metadata(stored, call),
        "model_provider": call.and_then(|call| call.provider.as_deref()),
        "model_name": call.and_then(|call| call.model.as_deref()),
        "input_tokens": usage.map(|usage| usage.prompt_tokens),
        "output_tokens": usage.map(|usage| usage.completion_tokens),
        "total_tokens": usage.map(backstay_core::Usage::total_tokens),
        "attachments": attachments,
    })
}

/// A client that stops at a role that it does not know still sees what a tool said.
fn role(role: Role, client: Client) -> Role {
    match role {
        Role::Tool if !client.knows_tool() => Role::System,
        role => role,
    }
}

fn content(stored: &StoredMessage) -> String {
    let texts = stored.message.parts.iter().flat_map(|part| match part {
        Part::Text { text } | Part::Refusal { text } => vec![text.as_str()],
        Part::ToolResult { parts, .. } => parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn status(
    stored: &StoredMessage,
    call: Option<&GenerationRow>,
    last_waits: Option<bool>,
) -> &'static str {
    let failed_tool = stored
        .message
        .parts
        .iter()
        .any(|part| matches!(part, Part::ToolResult { is_error: true, .. }));
    let was_cancelled = call.is_some_and(|call| call.status == SettlementStatus::Cancelled);
    match last_waits {
        _ if stored.incomplete && was_cancelled => "CANCELLED",
        _ if stored.incomplete || failed_tool => "FAILED",
        Some(true) => "REQUIRES_ACTION",
        Some(false) if calls_tools(stored) => "CANCELLED",
        _ => "COMPLETED",
    }
}

/// What the client keeps beside its message, untouched; beside others what belongs to their run.
fn metadata(stored: &StoredMessage, call: Option<&GenerationRow>) -> Option<Value> {
    let mut metadata = stored.metadata.clone().unwrap_or_default();
    let mut add = |name: &str, value: Value| {
        metadata.entry(name).or_insert(value);
    };
    if calls_tools(stored) {
        add("tool_calls", tool_calls(stored.message.tool_calls()));
    }
    for part in &stored.message.parts {
        if let Part::ToolResult { call_id, name, .. } = part {
            add("tool_call_id", json!(call_id));
            add("tool_name", json!(name));
        }
    }
    if let Some(code) = call.filter(|_| stored.incomplete).and_then(|call| call.error_code) {
        add("error", json!({"code": code.as_str()}));
    }
    let metadata: Map<String, Value> = metadata;
    (!metadata.is_empty()).then_some(Value::Object(metadata))
}
