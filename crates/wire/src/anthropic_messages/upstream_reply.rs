//! A provider's answer, whole or as a stream, to events.

use std::borrow::Cow;

use backstay_core::{Result, chat::ChatEvent};

use super::{
    payload::{BlockPayload, DeltaPayload, EventPayload, MessagePayload},
    stop_reason,
    upstream_list::{error_object, provider_error},
    usage::{Counted, UsagePayload},
};
use crate::{
    SseEvent, Step,
    upstream_error::{broken_stream, in_answer, malformed},
};

/// Context for the log keeps this much of what could not be read.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamDecoder {
    counted: Counted,
    /// The blocks that are calls of the client's tools, in their order: a block's place here is its
    /// index in events. Calls of tools that ran at the provider are not among them.
    calls: Vec<Call>,
    finished: bool,
}

#[derive(Debug)]
struct Call {
    block: u64,
    /// Fragments of the input have come.
    has_input: bool,
    /// No more of the input is expected. Some compatible servers give all of it with the block's
    /// start.
    is_complete: bool,
}

impl StreamDecoder {
    /// # Errors
    /// What the provider reports inside the stream, and `UpstreamInvalidResponse` for an event that
    /// is not JSON.
    pub(crate) fn decode(&mut self, event: &SseEvent) -> Result<Step> {
        let data = event.data.trim();
        if event.event.as_deref() == Some("error") {
            return Err(in_answer(&provider_error(data.as_bytes())));
        }
        // The last is the terminator of another format, which some compatible servers add.
        if data.is_empty() || data == "[DONE]" {
            return Ok(Step::Events(Vec::new()));
        }
        let payload: EventPayload<'_> = serde_json::from_str(data).map_err(|cause| {
            malformed("an event that is not JSON", format!("{cause}: {}", shortened(data)))
        })?;
        let kind = payload.kind.filled().unwrap_or_default();
        let mut events = Vec::new();
        match &*kind {
            "message_start" => self.start(payload.message.unwrap_or_default(), &mut events),
            "content_block_start" => {
                let index = payload.index.0.unwrap_or(0);
                self.open(index, payload.content_block.unwrap_or_default(), &mut events);
            }
            "content_block_delta" => {
                let index = payload.index.0.unwrap_or(0);
                self.read_delta(index, payload.delta.unwrap_or_default(), &mut events);
            }
            "content_block_stop" => {
                let index = payload.index.0.unwrap_or(0);
                self.close_calls(Some(index), &mut events);
            }
            "message_delta" => {
                let word = payload.delta.unwrap_or_default().stop_reason.filled();
                self.end(word.as_deref(), payload.usage.as_ref(), &mut events);
            }
            "message_stop" => return Ok(Step::End),
            "error" => return Err(in_answer(&provider_error(data.as_bytes()))),
            // `ping`, and what a later version of the interface adds.
            _ => {}
        }
        Ok(Step::Events(events))
    }

    /// What the connection's end means: nothing, if the provider has said why the answer ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        if self.finished { Ok(Vec::new()) } else { Err(broken_stream()) }
    }

    fn start(&mut self, message: MessagePayload<'_>, events: &mut Vec<ChatEvent>) {
        events.push(ChatEvent::Started {
            id: message.id.filled().map(Into::into),
            model: message.model.filled().map(Into::into),
            created: None,
        });
        self.count(message.usage.as_ref(), events);
        for (index, block) in (0..).zip(message.content.unwrap_or_default()) {
            self.open(index, block, events);
        }
    }

    /// Reads the start of a block, or the whole of one.
    fn open(&mut self, index: u64, mut block: BlockPayload<'_>, events: &mut Vec<ChatEvent>) {
        match std::mem::take(&mut block.kind).filled().as_deref() {
            Some("text") => events.extend(text(block.text.filled())),
            Some("thinking") => {
                let (text, signature) = (block.thinking.filled(), block.signature.filled());
                events.extend(reasoning(text));
                events.extend(signature.map(|signature| sign(Some(signature.into_owned()), None)));
            }
            Some("redacted_thinking") => {
                events.extend(block.data.filled().map(|data| sign(None, Some(data.into_owned()))));
            }
            Some("tool_use") => self.open_call(index, block, events),
            _ => {}
        }
    }

    fn open_call(&mut self, index: u64, block: BlockPayload<'_>, events: &mut Vec<ChatEvent>) {
        let call = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let made_up = || format!("toolu_{call}");
        events.push(ChatEvent::ToolCallStarted {
            choice: 0,
            index: call,
            id: block.id.filled().map_or_else(made_up, Into::into),
            name: block.name.filled().unwrap_or_default().into_owned(),
            signature: None,
        });
        let input = block.input.map(|input| input.get().trim());
        let input = input.filter(|input| !matches!(*input, "{}" | "null" | "\"\""));
        let has_input = input.is_some();
        self.calls.push(Call { block: index, has_input, is_complete: has_input });
        events.extend(input.map(|input| arguments(self.calls.len() - 1, input.to_owned())));
    }

    fn read_delta(&mut self, block: u64, delta: DeltaPayload<'_>, events: &mut Vec<ChatEvent>) {
        events.extend(text(delta.text.filled()));
        events.extend(reasoning(delta.thinking.filled()));
        if let Some(signature) = delta.signature.filled() {
            events.push(sign(Some(signature.into_owned()), None));
        }
        if let Some(fragment) = delta.partial_json.filled() {
            let is_open = |call: &Call| call.block == block && !call.is_complete;
            if let Some(position) = self.calls.iter().rposition(is_open) {
                self.calls[position].has_input = true;
                events.push(arguments(position, fragment.into_owned()));
            }
        }
    }

    /// The input of a call without any is an empty object, which other formats write out. `None`
    /// closes every block.
    fn close_calls(&mut self, block: Option<u64>, events: &mut Vec<ChatEvent>) {
        for (position, call) in self.calls.iter_mut().enumerate() {
            if call.is_complete || block.is_some_and(|block| block != call.block) {
                continue;
            }
            call.is_complete = true;
            if !call.has_input {
                events.push(arguments(position, "{}".to_owned()));
            }
        }
    }

    fn end(
        &mut self,
        word: Option<&str>,
        usage: Option<&UsagePayload>,
        events: &mut Vec<ChatEvent>,
    ) {
        self.close_calls(None, events);
        if let Some(word) = word {
            self.finished = true;
            let (reason, native) = (stop_reason::read(word), Some(word.to_owned()));
            events.push(ChatEvent::Finished { choice: 0, reason, native });
        }
        self.count(usage, events);
    }

    fn count(&mut self, usage: Option<&UsagePayload>, events: &mut Vec<ChatEvent>) {
        let counted = usage.and_then(|report| self.counted.read(report));
        events.extend(counted.map(ChatEvent::Usage));
    }
}

/// # Errors
/// What the provider reports in place of an answer, and `UpstreamInvalidResponse` for a body that
/// is not a message.
pub(crate) fn decode_reply(body: &[u8]) -> Result<Vec<ChatEvent>> {
    let shown = || shortened(&String::from_utf8_lossy(body));
    let mut message: MessagePayload<'_> = serde_json::from_slice(body).map_err(|cause| {
        malformed("an answer that is not JSON", format!("{cause}: {}", shown()))
    })?;
    if let Some(error) = &message.error {
        return Err(in_answer(&error_object(error)));
    }
    if message.content.is_none() {
        return Err(malformed("an answer without content", shown()));
    }
    let word = std::mem::take(&mut message.stop_reason).filled();
    let (mut decoder, mut events) = (StreamDecoder::default(), Vec::new());
    decoder.start(message, &mut events);
    decoder.end(word.as_deref(), None, &mut events);
    Ok(events)
}

fn text(text: Option<Cow<'_, str>>) -> Option<ChatEvent> {
    text.map(|text| ChatEvent::Text { choice: 0, text: text.into_owned() })
}

fn reasoning(text: Option<Cow<'_, str>>) -> Option<ChatEvent> {
    text.map(|text| ChatEvent::Reasoning { choice: 0, text: text.into_owned() })
}

fn arguments(call: usize, fragment: String) -> ChatEvent {
    let index = u32::try_from(call).unwrap_or(u32::MAX);
    ChatEvent::ToolCallArguments { choice: 0, index, fragment }
}

fn sign(signature: Option<String>, redacted: Option<String>) -> ChatEvent {
    ChatEvent::ReasoningSignature { choice: 0, signature, redacted }
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).collect()
}
