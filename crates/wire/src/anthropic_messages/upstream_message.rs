//! Neutral messages to `system` and `messages` of a request.

use backstay_core::{
    WireFormat,
    chat::{Message, Part, Role},
};
use serde_json::{Value, json};

use super::upstream_content::{blocks, marked, plain_or_blocks, text_block};
use crate::{Loss, call_ids::CallIds};

/// Opens a conversation that the assistant begins, because the interface wants the user first.
const OPENING: &str = "(The conversation begins with the assistant.)";

/// The interface names no limit; ids of clients are shorter.
const ID_CHARACTERS_MAX: usize = 256;

/// The two places where messages go.
pub(super) struct Prompt {
    pub(super) system: Option<Value>,
    pub(super) messages: Vec<Value>,
}

/// One message in the making.
struct Turn {
    role: &'static str,
    content: TurnContent,
}

enum TurnContent {
    /// The whole message, as the client wrote it.
    Raw(Value),
    Blocks(Vec<Value>),
}

/// System messages are lifted out, also from the middle. Neighbours of one role become one message,
/// unless the client itself wrote both.
pub(super) fn encode_all(messages: &[Message], loss: &mut Loss) -> Prompt {
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    let mut ids = CallIds::new(ID_CHARACTERS_MAX);
    for message in messages {
        if message.name.is_some() {
            loss.record("messages.name");
        }
        let raw = message.raw.as_ref().filter(|raw| raw.format == WireFormat::Anthropic);
        let raw = raw.map(|raw| &raw.value);
        match (message.role, raw) {
            (Role::System, Some(raw)) => system.extend(raw.get("content").cloned()),
            (Role::System, None) => system.extend(system_text(message, loss)),
            (role, Some(raw)) => {
                kept_ids(raw, &mut ids);
                push(&mut turns, wire_role(role), TurnContent::Raw(raw.clone()));
            }
            (role, None) => {
                let parts = (message.parts.as_slice(), message.cache_marks.as_slice());
                let blocks = blocks(role, parts, &mut ids, loss);
                push(&mut turns, wire_role(role), TurnContent::Blocks(blocks));
            }
        }
    }
    finish(system, turns)
}

fn wire_role(role: Role) -> &'static str {
    if role == Role::Assistant { "assistant" } else { "user" }
}

fn system_text(message: &Message, loss: &mut Loss) -> Option<Value> {
    let mut texts = Vec::new();
    for (at, part) in message.parts.iter().enumerate() {
        let block = match part {
            Part::Text { text } if text.is_empty() => continue,
            Part::Text { text } => text_block(text),
            Part::Recalled(block) => text_block(&block.to_prompt_text()),
            _ => {
                loss.record("messages.content");
                continue;
            }
        };
        texts.push(marked(block, at, &message.cache_marks));
    }
    (!texts.is_empty()).then(|| plain_or_blocks(texts))
}

fn kept_ids(message: &Value, ids: &mut CallIds) {
    let blocks = message.get("content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten().filter(|block| block["type"] == "tool_use") {
        if let Some(id) = block.get("id").and_then(Value::as_str) {
            ids.keep(id);
        }
    }
}

fn push(turns: &mut Vec<Turn>, role: &'static str, content: TurnContent) {
    match (turns.last_mut(), content) {
        (Some(last), content)
            if last.role == role
                && !matches!(
                    (&last.content, &content),
                    (TurnContent::Raw(_), TurnContent::Raw(_))
                ) =>
        {
            let mut joined =
                std::mem::replace(&mut last.content, TurnContent::Blocks(Vec::new())).into_blocks();
            joined.extend(content.into_blocks());
            last.content = TurnContent::Blocks(joined);
        }
        (_, content) => turns.push(Turn { role, content }),
    }
}

impl TurnContent {
    fn into_blocks(self) -> Vec<Value> {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::Raw(mut message) => as_blocks(message["content"].take()),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Blocks(blocks) => blocks.is_empty(),
            Self::Raw(message) => message["content"].as_array().is_some_and(Vec::is_empty),
        }
    }
}

fn as_blocks(content: Value) -> Vec<Value> {
    match content {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text_block(&text)],
        Value::Array(blocks) => blocks,
        _ => Vec::new(),
    }
}

fn finish(mut system: Vec<Value>, mut turns: Vec<Turn>) -> Prompt {
    turns.retain(|turn| !turn.content.is_empty());
    if let Some(Turn { role: "assistant", content: TurnContent::Blocks(_) }) = turns.first() {
        let opening = TurnContent::Blocks(vec![text_block(OPENING)]);
        turns.insert(0, Turn { role: "user", content: opening });
    }
    if let Some(Turn { role: "assistant", content: TurnContent::Blocks(blocks) }) = turns.last_mut()
    {
        trim_prefill(blocks);
    }
    let system = match system.len() {
        0 | 1 => system.pop(),
        _ => Some(Value::Array(system.into_iter().flat_map(as_blocks).collect())),
    };
    let messages: Vec<Value> = turns.into_iter().map(into_message).collect();
    match system {
        // Instructions alone are no conversation here: they are what the user says.
        Some(instructions) if messages.is_empty() => {
            let only = json!({"role": "user", "content": instructions});
            Prompt { system: None, messages: vec![only] }
        }
        system => Prompt { system, messages },
    }
}

/// The beginning of an answer, which the model continues, must not end in white space.
fn trim_prefill(blocks: &mut [Value]) {
    if let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text")) {
        text.truncate(text.trim_end().len());
    }
}

/// Results of tool calls come first, because they have to follow the calls directly.
fn into_message(turn: Turn) -> Value {
    let mut blocks = match turn.content {
        TurnContent::Raw(message) => return message,
        TurnContent::Blocks(blocks) => blocks,
    };
    blocks.sort_by_key(|block| block["type"] != "tool_result" && turn.role == "user");
    json!({"role": turn.role, "content": plain_or_blocks(blocks)})
}
