//! Events to the chunks that a client of this format reads.

use backstay_core::{
    Error, Usage,
    chat::{ChatEvent, FinishReason},
};
use serde_json::{Value, json};

use super::{
    chunk::{Chunk, ChunkChoice, Delta, arguments_delta, delta, write_data},
    client_reply::{NO_ARGUMENTS, error_object},
    usage::{self, UsageBody},
};
use crate::{EncodeOptions, ReplyExtension, extension};

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    id: String,
    model: String,
    created: i64,
    include_usage: bool,
    /// Choices whose role has been sent.
    opened: Vec<u32>,
    /// Calls, as choice and index, that have no arguments so far.
    bare_calls: Vec<(u32, u32)>,
    usage: Option<Usage>,
    /// The client has its usage already, in bytes that were forwarded.
    usage_sent: bool,
}

impl StreamEncoder {
    pub(crate) fn new(options: &EncodeOptions) -> Self {
        Self {
            id: options.generation.clone(),
            model: options.model.clone(),
            created: options.created,
            include_usage: options.include_usage,
            opened: Vec::new(),
            bare_calls: Vec::new(),
            usage: None,
            usage_sent: false,
        }
    }

    /// Notes what forwarded bytes have told the client, so that our own chunks continue them.
    pub(crate) fn observe(&mut self, events: &[ChatEvent]) {
        for event in events {
            self.keep(event);
            self.usage_sent |= matches!(event, ChatEvent::Usage(_));
        }
    }

    pub(crate) fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        self.each_chunk(events, &mut |chunk| write_data(chunk, out));
    }

    /// The chunks that events become.
    pub(crate) fn each_chunk(&mut self, events: &[ChatEvent], write: &mut dyn FnMut(&Chunk<'_>)) {
        for event in events {
            self.keep(event);
            self.complete_calls(event, write);
            let (index, delta, logprobs, reason) = match event {
                ChatEvent::Started { .. }
                | ChatEvent::ReasoningSignature { .. }
                | ChatEvent::Usage(_)
                | ChatEvent::Continued { .. }
                | ChatEvent::Settled(_) => continue,
                ChatEvent::Logprobs { choice, value } => {
                    (*choice, Delta::default(), Some(value), None)
                }
                ChatEvent::Finished { choice, reason, .. } => {
                    (*choice, Delta::default(), None, Some(reason))
                }
                ChatEvent::Text { choice, .. }
                | ChatEvent::Reasoning { choice, .. }
                | ChatEvent::Refusal { choice, .. }
                | ChatEvent::ToolCallStarted { choice, .. }
                | ChatEvent::ToolCallArguments { choice, .. } => {
                    (*choice, delta(event), None, None)
                }
            };
            self.write_choice(index, delta, logprobs, reason, write);
        }
    }

    /// Ends the stream: what the client asked for beyond the answer, then the terminator.
    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        if self.include_usage && !self.usage_sent {
            let counted = self.usage.as_ref().map(usage::write);
            self.usage_sent = counted.is_some();
            if counted.is_some() {
                write_data(&self.chunk(&[], counted, None), out);
            }
        }
        if extension.is_some() {
            write_data(&self.chunk(&[], None, extension), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Ends a stream that failed, without the terminator: what is here is not the whole answer.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        let mut body = json!({"error": error_object(error)});
        if let Some(counted) = &self.usage {
            body["usage"] = json!(usage::write(counted));
        }
        if let Some(extension) = extension {
            body[extension::MEMBER] = json!(extension);
        }
        write_data(&body, out);
    }

    fn keep(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { id, model, created } => {
                if let Some(id) = id {
                    self.id.clone_from(id);
                }
                if let Some(model) = model {
                    self.model.clone_from(model);
                }
                self.created = created.unwrap_or(self.created);
            }
            ChatEvent::Usage(counted) => self.usage = Some(counted.clone()),
            ChatEvent::Settled(settlement) if self.usage.is_none() => {
                self.usage = Some(settlement.usage.clone());
            }
            _ => {}
        }
    }

    /// Providers of other formats send no arguments for a call that takes none; clients of this
    /// one parse them as JSON, which an empty text is not.
    fn complete_calls(&mut self, event: &ChatEvent, write: &mut dyn FnMut(&Chunk<'_>)) {
        match event {
            ChatEvent::ToolCallStarted { choice, index, .. } => {
                self.bare_calls.push((*choice, *index));
            }
            ChatEvent::ToolCallArguments { choice, index, fragment } if !fragment.is_empty() => {
                self.bare_calls.retain(|call| *call != (*choice, *index));
            }
            ChatEvent::Finished { choice, .. } => {
                let bare = std::mem::take(&mut self.bare_calls);
                for (owner, index) in bare {
                    if owner == *choice {
                        let delta = arguments_delta(index, NO_ARGUMENTS);
                        self.write_choice(owner, delta, None, None, write);
                    } else {
                        self.bare_calls.push((owner, index));
                    }
                }
            }
            _ => {}
        }
    }

    fn write_choice(
        &mut self,
        index: u32,
        mut delta: Delta<'_>,
        logprobs: Option<&Value>,
        reason: Option<&FinishReason>,
        write: &mut dyn FnMut(&Chunk<'_>),
    ) {
        if !self.opened.contains(&index) {
            self.opened.push(index);
            delta.role = Some("assistant");
        }
        let finish_reason = reason.map(FinishReason::as_str);
        let choices = [ChunkChoice { index, delta, logprobs, finish_reason }];
        write(&self.chunk(&choices, None, None));
    }

    fn chunk<'a>(
        &'a self,
        choices: &'a [ChunkChoice<'a>],
        usage: Option<UsageBody>,
        extension: Option<&'a ReplyExtension>,
    ) -> Chunk<'a> {
        Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage,
            extension,
        }
    }
}
