//! Reads and checks the messages of a chat completion request.

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::prompt::{Speaker, Turn};
use crate::wire::given;

pub(crate) fn read(value: Option<&Value>) -> Result<Vec<Turn>, Failure> {
    let messages =
        value.and_then(Value::as_array).filter(|all| !all.is_empty()).ok_or_else(|| {
            Failure::bad_field(
                "messages",
                "Missing required parameter: 'messages'. Expected an array with at least one \
             message.",
            )
        })?;
    let mut turns = Vec::with_capacity(messages.len());
    let mut open_calls: Vec<String> = Vec::new();
    let mut in_tool_block = false;
    for (at, message) in messages.iter().enumerate() {
        let object = message.as_object().ok_or_else(|| {
            Failure::bad_field(
                format!("messages[{at}]"),
                "Expected an object, but got another type.",
            )
        })?;
        let speaker = speaker(at, object)?;
        if speaker == Speaker::Tool {
            answer_call(at, object, &mut open_calls, in_tool_block)?;
        } else {
            check_answered(&open_calls)?;
            open_calls = tool_calls(at, speaker, object)?;
            in_tool_block = !open_calls.is_empty();
        }
        turns.push(turn(at, speaker, object, in_tool_block)?);
    }
    check_answered(&open_calls)?;
    Ok(turns)
}

fn speaker(at: usize, message: &Map<String, Value>) -> Result<Speaker, Failure> {
    match given(message, "role").and_then(Value::as_str) {
        Some("system" | "developer") => Ok(Speaker::System),
        Some("user") => Ok(Speaker::User),
        Some("assistant") => Ok(Speaker::Assistant),
        Some("tool") => Ok(Speaker::Tool),
        role => {
            let param = format!("messages[{at}].role");
            let role = role.unwrap_or_default();
            Err(Failure::bad_field(
                param,
                format!(
                    "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', \
                     'tool', and 'developer'."
                ),
            ))
        }
    }
}

/// Takes the call that a tool message answers off the open ones.
fn answer_call(
    at: usize,
    message: &Map<String, Value>,
    open_calls: &mut Vec<String>,
    in_tool_block: bool,
) -> Result<(), Failure> {
    let id = given(message, "tool_call_id").and_then(Value::as_str).ok_or_else(|| {
        let param = format!("messages[{at}].tool_call_id");
        Failure::bad_field(param.clone(), format!("Missing required parameter: '{param}'."))
    })?;
    if !in_tool_block {
        return Err(Failure::bad_field(
            format!("messages.[{at}].role"),
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding \
             message with 'tool_calls'.",
        ));
    }
    match open_calls.iter().position(|open| open == id) {
        Some(found) => {
            open_calls.remove(found);
            Ok(())
        }
        None => Err(Failure::bad_field(
            format!("messages.[{at}].tool_call_id"),
            format!(
                "Invalid parameter: 'tool_call_id' of '{id}' not found in 'tool_calls' of previous \
                 message."
            ),
        )),
    }
}

fn check_answered(open_calls: &[String]) -> Result<(), Failure> {
    if open_calls.is_empty() {
        return Ok(());
    }
    Err(Failure::bad_field(
        "messages",
        format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to \
             each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            open_calls.join(", ")
        ),
    ))
}

/// The ids of the calls that a message makes.
fn tool_calls(
    at: usize,
    speaker: Speaker,
    message: &Map<String, Value>,
) -> Result<Vec<String>, Failure> {
    let Some(calls) = given(message, "tool_calls") else { return Ok(Vec::new()) };
    let param = format!("messages[{at}].tool_calls");
    let invalid =
        |reason: &str| Failure::bad_field(&*param, format!("Invalid '{param}': {reason}"));
    if speaker != Speaker::Assistant {
        return Err(invalid("only assistant messages can have tool calls."));
    }
    let calls = calls.as_array().filter(|calls| !calls.is_empty());
    let calls = calls.ok_or_else(|| invalid("expected an array with at least one call."))?;
    calls
        .iter()
        .map(|call| {
            let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str);
            let id = text("/id").ok_or_else(|| invalid("a call lacks its 'id'."))?;
            if text("/type") != Some("function") {
                return Err(invalid("the 'type' of a call must be 'function'."));
            }
            text("/function/name").ok_or_else(|| invalid("a call lacks its 'function.name'."))?;
            text("/function/arguments")
                .ok_or_else(|| invalid("'function.arguments' must be a string."))?;
            Ok(id.to_owned())
        })
        .collect()
}

fn turn(
    at: usize,
    speaker: Speaker,
    message: &Map<String, Value>,
    calls_tools: bool,
) -> Result<Turn, Failure> {
    let mut turn = Turn::new(speaker);
    let param = format!("messages[{at}].content");
    match given(message, "content") {
        Some(Value::String(text)) => turn.texts.push(text.clone()),
        Some(Value::Array(parts)) if !parts.is_empty() => {
            for (index, part) in parts.iter().enumerate() {
                read_part(&format!("{param}[{index}]"), part, &mut turn)?;
            }
        }
        None if speaker == Speaker::Assistant => {
            if !calls_tools && given(message, "refusal").is_none() {
                let message = "Invalid value for 'content': expected a string, got null.";
                return Err(Failure::bad_field(param, message));
            }
        }
        None => {
            let message = "Invalid value for 'content': expected a string, got null.";
            return Err(Failure::bad_field(param, message));
        }
        Some(_) => {
            let message =
                format!("Invalid type for '{param}': expected a string or content parts.");
            return Err(Failure::bad_field(param, message));
        }
    }
    if let Some(calls) = given(message, "tool_calls").and_then(Value::as_array) {
        let arguments = calls.iter().filter_map(|call| call.pointer("/function/arguments"));
        turn.texts.extend(arguments.filter_map(Value::as_str).map(str::to_owned));
    }
    Ok(turn)
}

fn read_part(param: &str, part: &Value, turn: &mut Turn) -> Result<(), Failure> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let missing = |field: &str| {
        let param = format!("{param}.{field}");
        Err(Failure::bad_field(param.clone(), format!("Missing required parameter: '{param}'.")))
    };
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    match (turn.speaker, kind) {
        (_, "text") => match text("/text") {
            Some(text) => turn.texts.push(text.to_owned()),
            None => return missing("text"),
        },
        (Speaker::Assistant, "refusal") => match text("/refusal") {
            Some(text) => turn.texts.push(text.to_owned()),
            None => return missing("refusal"),
        },
        (Speaker::User, "image_url") => match text("/image_url/url") {
            Some(url) if is_image_url(url) => turn.images += 1,
            Some(_) => {
                return Err(Failure::bad_field(
                    param,
                    "Invalid image URL: expected an http(s) URL or a base64 data URL.",
                ));
            }
            None => return missing("image_url.url"),
        },
        (Speaker::User, "input_audio") => {
            if text("/input_audio/data").is_none() || text("/input_audio/format").is_none() {
                return missing("input_audio");
            }
        }
        (Speaker::User, "file") => {
            if !part.get("file").is_some_and(Value::is_object) {
                return missing("file");
            }
        }
        (speaker, kind) => {
            let allowed = match speaker {
                Speaker::User => "'text', 'image_url', 'input_audio', and 'file'",
                Speaker::Assistant => "'text' and 'refusal'",
                Speaker::System | Speaker::Tool => "'text'",
            };
            let message = format!("Invalid value: '{kind}'. Supported values are: {allowed}.");
            return Err(Failure::bad_field(format!("{param}.type"), message));
        }
    }
    Ok(())
}

fn is_image_url(url: &str) -> bool {
    let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    url.starts_with("https://")
        || url.starts_with("http://")
        || data.is_some_and(|(_, data)| !data.is_empty())
}
