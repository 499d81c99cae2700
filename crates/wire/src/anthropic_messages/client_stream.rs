//! Events to the stream that a client of this format reads.
//!
//! Order: `message_start`; each block opened, filled and closed before the next; `message_delta`
//! with the reason and the usage; `message_stop`.

use backstay_core::{
    Error, Usage,
    chat::{ChatEvent, FinishReason},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{client_blocks::Blocks, client_reply::error_object, stop_reason, usage};
use crate::{EncodeOptions, ReplyExtension, extension};

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    id: String,
    model: String,
    usage: Option<Usage>,
    reason: Option<FinishReason>,
    blocks: Blocks,
    /// The client has its `message_start`.
    started: bool,
    /// The client has its `message_delta`, in bytes that were forwarded.
    ended: bool,
}

impl StreamEncoder {
    pub(crate) fn new(options: &EncodeOptions) -> Self {
        Self {
            id: options.generation.clone(),
            model: options.model.clone(),
            usage: None,
            reason: None,
            blocks: Blocks::default(),
            started: false,
            ended: false,
        }
    }

    /// Notes what forwarded bytes have told the client.
    pub(crate) fn observe(&mut self, events: &[ChatEvent]) {
        for event in events {
            self.keep(event);
            self.started |= matches!(event, ChatEvent::Started { .. });
            self.ended |= matches!(event, ChatEvent::Finished { .. });
        }
    }

    /// An answer has one choice here: of several the first is written.
    pub(crate) fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        // What is counted already goes into the opening event, wherever it stands in the frame.
        events.iter().for_each(|event| self.keep(event));
        for event in events {
            match event {
                ChatEvent::Started { .. } => self.start(out),
                ChatEvent::Text { choice: 0, .. }
                | ChatEvent::Reasoning { choice: 0, .. }
                | ChatEvent::ReasoningSignature { choice: 0, .. }
                | ChatEvent::Refusal { choice: 0, .. }
                | ChatEvent::ToolCallStarted { choice: 0, .. }
                | ChatEvent::ToolCallArguments { choice: 0, .. } => {
                    self.start(out);
                    self.blocks.push(event, out);
                }
                _ => {}
            }
        }
    }

    /// Ends the stream. Reason and usage wait for this, because some providers count last.
    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        self.start(out);
        self.blocks.finish(out);
        if !self.ended {
            self.ended = true;
            let reason = self.reason.as_ref().unwrap_or(&FinishReason::Stop);
            let counted = self.usage.as_ref().map(usage::write).unwrap_or_default();
            let delta =
                json!({"stop_reason": stop_reason::write(reason), "stop_sequence": Value::Null});
            let event = json!({"type": "message_delta", "delta": delta, "usage": counted});
            write_event("message_delta", &event, out);
        }
        let mut event = json!({"type": "message_stop"});
        if let Some(extension) = extension {
            event[extension::MEMBER] = json!(extension);
        }
        write_event("message_stop", &event, out);
    }

    /// Ends a stream that failed, without closing its block: what is here is not the whole answer.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        let mut event = json!({"type": "error", "error": error_object(error)});
        if let Some(counted) = &self.usage {
            event["usage"] = json!(usage::write(counted));
        }
        if let Some(extension) = extension {
            event[extension::MEMBER] = json!(extension);
        }
        write_event("error", &event, out);
    }

    fn keep(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { id, model, .. } => {
                if let Some(id) = id {
                    self.id.clone_from(id);
                }
                if let Some(model) = model {
                    self.model.clone_from(model);
                }
            }
            ChatEvent::Finished { choice: 0, reason, .. } => self.reason = Some(reason.clone()),
            ChatEvent::Usage(counted) => self.usage = Some(counted.clone()),
            ChatEvent::Settled(settlement) if self.usage.is_none() => {
                self.usage = Some(settlement.usage.clone());
            }
            _ => {}
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = json!({
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": self.usage.as_ref().map(usage::write).unwrap_or_default(),
        });
        write_event("message_start", &json!({"type": "message_start", "message": message}), out);
    }
}

/// One event. Values of ours always have a JSON text, and a `Vec` takes every byte.
pub(super) fn write_event(name: &str, value: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "an event has a JSON text");
    out.extend_from_slice(b"\n\n");
}
