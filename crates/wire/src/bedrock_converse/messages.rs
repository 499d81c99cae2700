//! Neutral messages to `system` and `messages` of a request.

use backstay_core::chat::{Message, Role};
use serde_json::{Value, json};

use super::{
    NAME_CHARACTERS_MAX,
    blocks::{self, plain_text, text_block},
    model_family::ModelFamily,
};
use crate::{Loss, call_ids::CallIds};

/// Opens a conversation that the assistant begins, because the interface wants the user first.
const OPENING: &str = "(The conversation begins with the assistant.)";

/// The two places where messages go.
pub(super) struct Prompt {
    pub(super) system: Option<Value>,
    pub(super) messages: Vec<Value>,
}

struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

/// System messages are lifted out, also from the middle. Neighbours of one role become one message,
/// because roles have to alternate.
pub(super) fn encode_all(messages: &[Message], family: ModelFamily, loss: &mut Loss) -> Prompt {
    let (mut system, mut turns) = (Vec::new(), Vec::<Turn>::new());
    let mut ids = CallIds::new(NAME_CHARACTERS_MAX);
    for message in messages {
        if message.name.is_some() {
            loss.record("messages.name");
        }
        if message.role == Role::System {
            push_system(message, &mut system, loss);
            system.extend(cache_point(message, family));
            continue;
        }
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let mut blocks = blocks::encode(message, &mut ids, loss);
        blocks.extend(cache_point(message, family));
        match turns.last_mut() {
            Some(last) if last.role == role => last.blocks.extend(blocks),
            _ => turns.push(Turn { role, blocks }),
        }
    }
    finish(system, turns)
}

/// Clients of several formats mark blocks up to which the prompt may be cached (`cache_control`); here
/// a block of its own does it, behind the message that has the mark.
fn cache_point(message: &Message, family: ModelFamily) -> Option<Value> {
    let content = message.raw.as_ref().and_then(|raw| raw.value.get("content")?.as_array());
    let is_marked = !message.cache_marks.is_empty()
        || content.into_iter().flatten().any(|block| block.get("cache_control").is_some());
    (is_marked && family.takes_cache_points()).then(|| json!({"cachePoint": {"type": "default"}}))
}

fn push_system(message: &Message, system: &mut Vec<Value>, loss: &mut Loss) {
    for part in &message.parts {
        match plain_text(part) {
            Some(text) => system.extend(text_block(&text)),
            None => loss.record("messages.content"),
        }
    }
}

fn finish(system: Vec<Value>, mut turns: Vec<Turn>) -> Prompt {
    turns.retain(|turn| !turn.blocks.is_empty());
    if turns.first().is_some_and(|turn| turn.role == "assistant") {
        let opening = Turn { role: "user", blocks: text_block(OPENING).into_iter().collect() };
        turns.insert(0, opening);
    }
    let messages: Vec<Value> = turns.into_iter().map(into_message).collect();
    // Instructions alone are no conversation here: they are what the user says.
    if messages.is_empty() && !system.is_empty() {
        let only = json!({"role": "user", "content": system});
        return Prompt { system: None, messages: vec![only] };
    }
    let system = (!system.is_empty()).then_some(Value::Array(system));
    Prompt { system, messages }
}

/// Results of calls come first, because they have to follow the calls directly. A document is refused
/// without a text that says what to do with it.
fn into_message(mut turn: Turn) -> Value {
    if turn.role == "user" {
        turn.blocks.sort_by_key(|block| block.get("toolResult").is_none());
        let has = |name: &str| turn.blocks.iter().any(|block| block.get(name).is_some());
        if has("document") && !has("text") {
            turn.blocks.extend(text_block("(See the document.)"));
        }
    }
    json!({"role": turn.role, "content": turn.blocks})
}
