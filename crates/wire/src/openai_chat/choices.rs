//! From chunks of choices to events: whose fragment is whose, and what has been said already.

use std::borrow::Cow;

use backstay_core::chat::{ChatEvent, FinishReason};
use serde_json::Value;

use super::{
    finish_reason,
    payload::{CallPayload, ChoicePayload, MessagePayload},
    signature,
};
use crate::tolerant::Content;

/// Every choice of one answer.
#[derive(Debug, Default)]
pub(super) struct Choices {
    known: Vec<Choice>,
}

#[derive(Debug)]
struct Choice {
    index: u32,
    finished: bool,
    /// In the order in which they began: a call's place here is its index in events.
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The index that the provider gave, which need not be unique.
    given_index: Option<u64>,
    id: String,
    signature: Option<String>,
    /// Arguments that came before the name.
    held: String,
    announced: bool,
}

impl Choices {
    pub(super) fn all_finished(&self) -> bool {
        !self.known.is_empty() && self.known.iter().all(|choice| choice.finished)
    }

    /// Adds the events of one chunk's choice; `position` is its place in the chunk.
    pub(super) fn read(
        &mut self,
        payload: ChoicePayload<'_>,
        position: usize,
        events: &mut Vec<ChatEvent>,
    ) {
        let index = payload.index.0.and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
        let choice = self.choice(index);
        if let Some(message) = payload.message.or(payload.delta) {
            choice.read_message(message, events);
        }
        if let Some(value) = payload.logprobs {
            events.push(ChatEvent::Logprobs { choice: index, value });
        }
        if let Some(word) = payload.finish_reason.filled() {
            let native = payload.native_finish_reason.filled();
            choice.finish(&word, native.as_deref().unwrap_or(&word), events);
        }
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let position = self.known.iter().position(|choice| choice.index == index);
        let position = position.unwrap_or_else(|| {
            self.known.push(Choice { index, finished: false, calls: Vec::new() });
            self.known.len() - 1
        });
        &mut self.known[position]
    }
}

impl Choice {
    fn read_message(&mut self, message: MessagePayload<'_>, events: &mut Vec<ChatEvent>) {
        let choice = self.index;
        // Some servers send the same text under both names.
        let reasoning = message.reasoning_content.filled().or_else(|| message.reasoning.filled());
        if let Some(text) = reasoning {
            events.push(ChatEvent::Reasoning { choice, text: text.into_owned() });
        }
        match message.content {
            Content::Text(text) if !text.is_empty() => {
                events.push(ChatEvent::Text { choice, text: text.into_owned() });
            }
            Content::Parts(parts) => {
                events.extend(parts.iter().filter_map(|part| part_event(choice, part)));
            }
            Content::Text(_) | Content::Absent => {}
        }
        if let Some(text) = message.refusal.filled() {
            events.push(ChatEvent::Refusal { choice, text: text.into_owned() });
        }
        for call in message.tool_calls.into_iter().flatten() {
            self.read_call(call, events);
        }
    }

    fn read_call(&mut self, payload: CallPayload<'_>, events: &mut Vec<ChatEvent>) {
        let choice = self.index;
        let (name, arguments) = match payload.function {
            Some(function) => (function.name.filled(), function.arguments.filled()),
            None => (None, None),
        };
        let id = payload.id.filled();
        let position = self.call_position(payload.index.0, id.as_deref(), name.is_some());
        let Some(call) = self.calls.get_mut(position) else { return };
        if let Some(signature) = payload.extra_content.as_ref().and_then(signature::read) {
            call.signature = Some(signature.to_owned());
        }
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        if let Some(name) = name.filter(|_| !call.announced) {
            call.announce(choice, index, &name, events);
        }
        match arguments {
            Some(fragment) if call.announced => events.push(ChatEvent::ToolCallArguments {
                choice,
                index,
                fragment: fragment.into_owned(),
            }),
            Some(fragment) => call.held.push_str(&fragment),
            None => {}
        }
    }

    /// The call that a fragment belongs to. Servers leave the index out, or give every call index
    /// 0, or repeat id and name in each fragment: a new id together with a name begins a new call,
    /// an unknown index begins one, and what has neither continues the last.
    fn call_position(&mut self, index: Option<u64>, id: Option<&str>, has_name: bool) -> usize {
        let known = match (index, id) {
            (None, Some(id)) => self.calls.iter().rposition(|call| call.id == id),
            (None, None) if !has_name => self.calls.len().checked_sub(1),
            (None, None) => None,
            (Some(_), _) => self.calls.iter().rposition(|call| call.given_index == index),
        };
        let is_other =
            |position: usize| has_name && id.is_some_and(|id| id != self.calls[position].id);
        match known {
            Some(position) if !is_other(position) => position,
            _ => {
                let position = self.calls.len();
                let made_up = || Cow::Owned(format!("call_{}_{position}", self.index));
                let id = id.map_or_else(made_up, Cow::Borrowed).into_owned();
                self.calls.push(Call {
                    given_index: index,
                    id,
                    signature: None,
                    held: String::new(),
                    announced: false,
                });
                position
            }
        }
    }

    fn finish(&mut self, word: &str, native: &str, events: &mut Vec<ChatEvent>) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        for (index, call) in (0_u32..).zip(&mut self.calls) {
            if !call.announced && !call.held.is_empty() {
                call.announce(self.index, index, "", events);
            }
        }
        // OpenAI says "stop" after a call that the request named, and some servers after any call.
        let reason = match finish_reason::read(word) {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            reason => reason,
        };
        let native = Some(native.to_owned());
        events.push(ChatEvent::Finished { choice: self.index, reason, native });
    }
}

impl Call {
    fn announce(&mut self, choice: u32, index: u32, name: &str, events: &mut Vec<ChatEvent>) {
        self.announced = true;
        events.push(ChatEvent::ToolCallStarted {
            choice,
            index,
            id: self.id.clone(),
            name: name.to_owned(),
            signature: self.signature.clone(),
        });
        let fragment = std::mem::take(&mut self.held);
        if !fragment.is_empty() {
            events.push(ChatEvent::ToolCallArguments { choice, index, fragment });
        }
    }
}

/// Mistral sends content as parts when its model thinks: `{"type":"thinking","thinking":[…]}`.
fn part_event(choice: u32, part: &Value) -> Option<ChatEvent> {
    let text = |value: &Value| value.get("text").and_then(Value::as_str).map(str::to_owned);
    match part.get("type").and_then(Value::as_str) {
        Some("thinking") => {
            let thoughts = part.get("thinking")?;
            let text = match thoughts.as_array() {
                Some(pieces) => pieces.iter().filter_map(text).collect(),
                None => thoughts.as_str()?.to_owned(),
            };
            Some(ChatEvent::Reasoning { choice, text })
        }
        Some("refusal") => {
            let text = part.get("refusal").and_then(Value::as_str)?.to_owned();
            Some(ChatEvent::Refusal { choice, text })
        }
        _ => {
            text(part).filter(|text| !text.is_empty()).map(|text| ChatEvent::Text { choice, text })
        }
    }
}
