//! Reads and checks the messages of a chat request: roles, content, and the order of tool calls.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::prompt::{Speaker, Turn};
use crate::wire::given;

pub(crate) fn read(value: Option<&Value>) -> Result<Vec<Turn>, Failure> {
    let messages = value.and_then(Value::as_array).filter(|all| !all.is_empty());
    let messages = messages.ok_or_else(|| {
        Failure::bad_request("invalid request: messages must be a non-empty array.")
    })?;
    let mut turns = Vec::with_capacity(messages.len());
    let mut waiting: Vec<String> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let message = message.as_object().ok_or_else(|| invalid(at, "must be an object"))?;
        let speaker = speaker(at, message)?;
        if speaker == Speaker::Tool {
            let id = given(message, "tool_call_id").and_then(Value::as_str).unwrap_or_default();
            let open = waiting.iter().position(|call| call == id);
            waiting.remove(open.ok_or_else(|| invalid(at, "tool_call_id answers no open call"))?);
        } else if !waiting.is_empty() {
            return Err(invalid(at, "every tool call must be followed by its result"));
        }
        let (turn, calls) = turn(at, speaker, message)?;
        waiting.extend(calls);
        turns.push(turn);
    }
    if !waiting.is_empty() {
        return Err(invalid(messages.len(), "every tool call must be followed by its result"));
    }
    Ok(turns)
}

fn speaker(at: usize, message: &Map<String, Value>) -> Result<Speaker, Failure> {
    let (speaker, known): (_, &[&str]) = match given(message, "role").and_then(Value::as_str) {
        Some("system") => (Speaker::System, &["role", "content"]),
        Some("user") => (Speaker::User, &["role", "content"]),
        Some("assistant") => {
            (Speaker::Assistant, &["role", "content", "tool_calls", "tool_plan", "citations"])
        }
        Some("tool") => (Speaker::Tool, &["role", "content", "tool_call_id"]),
        _ => return Err(invalid(at, "role must be one of system, user, assistant, tool")),
    };
    match message.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(invalid(at, &format!("unknown field: '{unknown}'"))),
        None => Ok(speaker),
    }
}

fn turn(
    at: usize,
    speaker: Speaker,
    message: &Map<String, Value>,
) -> Result<(Turn, Vec<String>), Failure> {
    let mut turn = Turn::new(speaker);
    let calls = given(message, "tool_calls").and_then(Value::as_array);
    match given(message, "content") {
        Some(Value::String(text)) if !text.is_empty() || speaker == Speaker::Tool => {
            turn.texts.push(text.clone());
        }
        Some(Value::Array(parts)) if !parts.is_empty() => {
            parts.iter().try_for_each(|part| read_part(at, part, &mut turn))?;
        }
        None if calls.is_some() => {}
        _ => return Err(invalid(at, "content must not be empty")),
    }
    turn.texts.extend(given(message, "tool_plan").and_then(Value::as_str).map(str::to_owned));
    let mut ids = Vec::new();
    for call in calls.into_iter().flatten() {
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
        let arguments = text("/function/arguments")
            .filter(|text| serde_json::from_str::<Map<String, Value>>(text).is_ok());
        let (Some(id), Some("function"), Some(_), Some(arguments)) =
            (text("/id"), text("/type"), text("/function/name"), arguments)
        else {
            return Err(invalid(at, "a tool call needs id, type, function.name and arguments"));
        };
        ids.push(id.to_owned());
        turn.texts.push(arguments.to_owned());
    }
    Ok((turn, ids))
}

fn read_part(at: usize, part: &Value, turn: &mut Turn) -> Result<(), Failure> {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    match (turn.speaker, text("/type")) {
        (_, Some("text")) => match text("/text").filter(|text| !text.is_empty()) {
            Some(text) => turn.texts.push(text.to_owned()),
            None => return Err(invalid(at, "a text must not be empty")),
        },
        (Speaker::User, Some("image_url")) => {
            let url = text("/image_url/url").unwrap_or_default();
            if !url.starts_with("data:image/") && !url.starts_with("http") {
                return Err(invalid(at, "image_url.url must be a URL or base64 data URI"));
            }
            turn.images += 1;
        }
        (Speaker::Assistant, Some("thinking")) if text("/thinking").is_some() => {}
        (Speaker::Tool, Some("document")) if part.pointer("/document/data").is_some() => {}
        _ => return Err(invalid(at, "content has a part of an unknown type")),
    }
    Ok(())
}

fn invalid(at: usize, what: &str) -> Failure {
    Failure::bad_field(
        format!("messages[{at}]"),
        format!("invalid request: message at index {at}: {what}."),
    )
}
