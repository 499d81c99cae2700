//! Reads and checks the messages of a request.

use serde_json::Value;

use super::signature;
use super::tool_use::Calls;
use crate::failure::Failure;
use crate::prompt::{Speaker, Turn};

pub(crate) fn read(value: Option<&Value>) -> Result<Vec<Turn>, Failure> {
    let Some(value) = value else {
        return Err(Failure::bad_request("messages: Field required"));
    };
    let messages = value
        .as_array()
        .filter(|all| !all.is_empty())
        .ok_or_else(|| Failure::bad_request("messages: at least one message is required"))?;
    let mut turns = Vec::with_capacity(messages.len());
    let mut calls = Calls::default();
    for (at, message) in messages.iter().enumerate() {
        check_fields(at, message)?;
        let speaker = speaker(at, message)?;
        if at == 0 && speaker != Speaker::User {
            let message = "messages: first message must use the \"user\" role";
            return Err(Failure::bad_request(message));
        }
        let last = at + 1 == messages.len();
        let mut reader = Reader { at, speaker, last, calls: &mut calls, turns: &mut turns };
        reader.message(message.get("content"))?;
        calls.end_message(at, speaker)?;
    }
    calls.end_of_messages(messages.len())?;
    Ok(turns)
}

fn check_fields(at: usize, message: &Value) -> Result<(), Failure> {
    let fields = message.as_object().ok_or_else(|| {
        Failure::bad_request(format!("messages.{at}: Input should be a valid dictionary"))
    })?;
    match fields.keys().find(|name| *name != "role" && *name != "content") {
        Some(name) => Err(Failure::bad_request(format!(
            "messages.{at}.{name}: Extra inputs are not permitted"
        ))),
        None => Ok(()),
    }
}

fn speaker(at: usize, message: &Value) -> Result<Speaker, Failure> {
    match message.get("role").and_then(Value::as_str) {
        Some("user") => Ok(Speaker::User),
        Some("assistant") => Ok(Speaker::Assistant),
        Some("system") => Err(Failure::bad_request(format!(
            "messages.{at}.role: Unexpected role \"system\". The Messages API accepts a top-level \
             `system` parameter, not \"system\" as an input message role."
        ))),
        Some(_) => Err(Failure::bad_request(format!(
            "messages.{at}.role: Input should be 'user' or 'assistant'"
        ))),
        None => Err(Failure::bad_request(format!("messages.{at}.role: Field required"))),
    }
}

/// Reads one message.
struct Reader<'a> {
    at: usize,
    speaker: Speaker,
    /// Whether it is the last one.
    last: bool,
    calls: &'a mut Calls,
    turns: &'a mut Vec<Turn>,
}

impl Reader<'_> {
    fn message(&mut self, content: Option<&Value>) -> Result<(), Failure> {
        let mut turn = Turn::new(self.speaker);
        match content {
            Some(Value::String(text)) => {
                let prefill = self.last && self.speaker == Speaker::Assistant;
                if text.is_empty() && !prefill {
                    return Err(self.empty());
                }
                turn.texts.push(text.clone());
            }
            Some(Value::Array(blocks)) if !blocks.is_empty() => {
                for (index, block) in blocks.iter().enumerate() {
                    self.block(index, block, &mut turn)?;
                }
            }
            Some(Value::Array(_)) => return Err(self.empty()),
            Some(_) => return Err(self.invalid("content", "Input should be a valid list")),
            None => return Err(self.invalid("content", "Field required")),
        }
        if self.last && self.speaker == Speaker::Assistant {
            let text = turn.texts.last().map_or("", String::as_str);
            if text.ends_with(char::is_whitespace) {
                let message =
                    "messages: final assistant content cannot end with trailing whitespace";
                return Err(Failure::bad_request(message));
            }
        }
        let only_results =
            self.speaker == Speaker::User && turn.texts.is_empty() && turn.images == 0;
        if !only_results {
            self.turns.push(turn);
        } else if let Some(last) = self.turns.last_mut() {
            last.cache_mark |= turn.cache_mark;
        }
        Ok(())
    }

    fn block(&mut self, index: usize, block: &Value, turn: &mut Turn) -> Result<(), Failure> {
        let text = |name: &str| block.get(name).and_then(Value::as_str);
        let field = |name: &str| format!("content.{index}.{name}");
        turn.cache_mark |= block.get("cache_control").is_some_and(Value::is_object);
        let kind = text("type").unwrap_or_default();
        if kind != "tool_result" {
            self.calls.check_none_due(self.at)?;
        }
        match (self.speaker, kind) {
            (_, "text") => match text("text") {
                Some("") => {
                    let message = "messages: text content blocks must be non-empty";
                    return Err(Failure::bad_request(message));
                }
                Some(text) => turn.texts.push(text.to_owned()),
                None => return Err(self.invalid(&field("text.text"), "Field required")),
            },
            (Speaker::User, "image") => {
                if !is_source(block.get("source")) {
                    return Err(self.invalid(
                        &field("image.source"),
                        "Input should be a base64, url or file source",
                    ));
                }
                turn.images += 1;
            }
            (Speaker::User, "document" | "search_result" | "container_upload") => {}
            (Speaker::User, "tool_result") => {
                let result = self.calls.answer(self.at, index, block)?;
                self.turns.push(result);
            }
            (Speaker::Assistant, "tool_use") => {
                turn.texts.push(self.calls.call(self.at, index, block)?);
            }
            (Speaker::Assistant, "thinking") => self.thinking(index, block)?,
            (Speaker::Assistant, "redacted_thinking") => {
                if text("data").is_none() {
                    return Err(self.invalid(&field("redacted_thinking.data"), "Field required"));
                }
            }
            (speaker, kind) => {
                let expected = match speaker {
                    Speaker::User => "'document', 'image', 'search_result', 'text', 'tool_result'",
                    _ => "'redacted_thinking', 'text', 'thinking', 'tool_use'",
                };
                let reason = format!(
                    "Input tag '{kind}' found using 'type' does not match any of the expected \
                     tags: {expected}"
                );
                return Err(self.invalid(&format!("content.{index}"), &reason));
            }
        }
        Ok(())
    }

    fn thinking(&self, index: usize, block: &Value) -> Result<(), Failure> {
        let text = |name: &str| block.get(name).and_then(Value::as_str);
        let Some(thinking) = text("thinking") else {
            return Err(
                self.invalid(&format!("content.{index}.thinking.thinking"), "Field required")
            );
        };
        match text("signature") {
            None => {
                let field = format!("content.{index}.thinking.signature");
                Err(self.invalid(&field, "Field required"))
            }
            Some(given) if given != signature::sign(thinking) => {
                let field = format!("content.{index}");
                Err(self.invalid(&field, "Invalid `signature` in `thinking` block"))
            }
            Some(_) => Ok(()),
        }
    }

    fn empty(&self) -> Failure {
        Failure::bad_request(format!(
            "messages.{}: all messages must have non-empty content except for the optional final \
             assistant message",
            self.at
        ))
    }

    fn invalid(&self, field: &str, reason: &str) -> Failure {
        Failure::bad_request(format!("messages.{}.{field}: {reason}", self.at))
    }
}

fn is_source(source: Option<&Value>) -> bool {
    let text = |name: &str| {
        let value = source.and_then(|source| source.get(name)).and_then(Value::as_str);
        value.filter(|value| !value.is_empty())
    };
    match text("type") {
        Some("base64") => {
            let media = text("media_type");
            let known = ["image/jpeg", "image/png", "image/gif", "image/webp"];
            text("data").is_some() && media.is_some_and(|media| known.contains(&media))
        }
        Some("url") => text("url").is_some(),
        Some("file") => text("file_id").is_some(),
        _ => false,
    }
}
