//! The content blocks of one stream, strictly one after the other.
//!
//! Other formats may interleave the arguments of several calls. Here a call's block stays open until
//! its arguments are a complete JSON object, or the answer ends; what comes for other blocks
//! meanwhile is held back and written then, in its order.

use std::collections::BTreeSet;

use backstay_core::chat::ChatEvent;
use serde::{Serialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::{client_content::CALL_SIGNATURE, client_stream::write_event};

#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The index of the open block, or of the next one.
    index: u32,
    open: Option<Open>,
    /// Events that wait until the open call is complete.
    held: Vec<ChatEvent>,
    /// Calls whose block is closed.
    closed_calls: BTreeSet<u32>,
}

#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Call { index: u32, arguments: String },
}

#[derive(Serialize)]
struct DeltaEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: Delta<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

impl Blocks {
    /// Writes an event of the answer's content, or holds it back.
    pub(super) fn push(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        self.write_or_hold(event, out);
        while !self.held.is_empty() && self.open_call_is_complete() {
            self.write_held(out);
        }
    }

    /// Closes everything: nothing more will come.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        while !self.held.is_empty() {
            self.write_held(out);
            self.close(out);
        }
    }

    /// True for content of another block while a call's arguments are incomplete.
    fn must_wait(&self, event: &ChatEvent) -> bool {
        let Some(Open::Call { index: open, .. }) = &self.open else { return false };
        match event {
            ChatEvent::ToolCallArguments { index, .. } if index == open => false,
            ChatEvent::ToolCallArguments { index, .. } if self.closed_calls.contains(index) => {
                false
            }
            _ => !self.held.is_empty() || !self.open_call_is_complete(),
        }
    }

    /// A complete object cannot be continued, so that the call has said all.
    fn open_call_is_complete(&self) -> bool {
        match &self.open {
            Some(Open::Call { arguments, .. }) => {
                serde_json::from_str::<IgnoredAny>(arguments).is_ok()
            }
            _ => true,
        }
    }

    fn hold(&mut self, event: &ChatEvent) {
        if let ChatEvent::ToolCallArguments { index, fragment, .. } = event {
            let continued = self.held.iter_mut().rev().find_map(|held| match held {
                ChatEvent::ToolCallArguments { index: known, fragment, .. } if known == index => {
                    Some(fragment)
                }
                _ => None,
            });
            if let Some(known) = continued {
                known.push_str(fragment);
                return;
            }
        }
        self.held.push(event.clone());
    }

    /// Writes at least the first event that was held; what still has to wait is held again.
    fn write_held(&mut self, out: &mut Vec<u8>) {
        for event in std::mem::take(&mut self.held) {
            self.write_or_hold(&event, out);
        }
    }

    fn write_or_hold(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        if self.must_wait(event) { self.hold(event) } else { self.write(event, out) }
    }

    fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        match event {
            ChatEvent::Text { text, .. } | ChatEvent::Refusal { text, .. } => self.text(text, out),
            ChatEvent::Reasoning { text, .. } if !text.is_empty() => {
                self.open_thinking(out);
                self.delta(Delta::Thinking { thinking: text }, out);
            }
            ChatEvent::ReasoningSignature { signature, redacted, .. } => {
                self.sign(signature.as_deref(), redacted.as_deref(), out);
            }
            ChatEvent::ToolCallStarted { index, id, name, signature, .. } => {
                let mut block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
                if let Some(signature) = signature {
                    block[CALL_SIGNATURE] = Value::from(signature.as_str());
                }
                self.open(Open::Call { index: *index, arguments: String::new() }, &block, out);
            }
            ChatEvent::ToolCallArguments { index, fragment, .. } => {
                self.arguments(*index, fragment, out);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Some(Open::Text)) {
            self.open(Open::Text, &json!({"type": "text", "text": ""}), out);
        }
        self.delta(Delta::Text { text }, out);
    }

    fn open_thinking(&mut self, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Thinking)) {
            let block = json!({"type": "thinking", "thinking": "", "signature": ""});
            self.open(Open::Thinking, &block, out);
        }
    }

    /// A signature is the last of its block; encrypted thinking is a block of its own.
    fn sign(&mut self, signature: Option<&str>, redacted: Option<&str>, out: &mut Vec<u8>) {
        if let Some(data) = redacted {
            let block = json!({"type": "redacted_thinking", "data": data});
            self.open(Open::Thinking, &block, out);
            self.close(out);
        } else if let Some(signature) = signature {
            self.open_thinking(out);
            self.delta(Delta::Signature { signature }, out);
            self.close(out);
        }
    }

    fn arguments(&mut self, call: u32, fragment: &str, out: &mut Vec<u8>) {
        let Some(Open::Call { index, arguments }) = &mut self.open else { return };
        if *index == call && !fragment.is_empty() {
            arguments.push_str(fragment);
            self.delta(Delta::InputJson { partial_json: fragment }, out);
        }
    }

    fn open(&mut self, open: Open, block: &Value, out: &mut Vec<u8>) {
        self.close(out);
        let event =
            json!({"type": "content_block_start", "index": self.index, "content_block": block});
        write_event("content_block_start", &event, out);
        self.open = Some(open);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(open) = self.open.take() else { return };
        if let Open::Call { index, .. } = open {
            self.closed_calls.insert(index);
        }
        let event = json!({"type": "content_block_stop", "index": self.index});
        write_event("content_block_stop", &event, out);
        self.index += 1;
    }

    fn delta(&self, delta: Delta<'_>, out: &mut Vec<u8>) {
        let event = DeltaEvent { kind: "content_block_delta", index: self.index, delta };
        write_event("content_block_delta", &event, out);
    }
}
