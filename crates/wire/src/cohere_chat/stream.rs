//! A provider's stream to events.

use backstay_core::{Result, chat::ChatEvent};
use serde::Deserialize;

use super::{
    list::{failed, finish_reason, provider_error},
    payload::{BlockPayload, CallPayload, DeltaPayload, EventPayload},
    reply::shortened,
    usage,
};
use crate::{
    SseEvent, Step,
    upstream_error::{broken_stream, malformed},
};

const CHOICE: u32 = 0;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamDecoder {
    /// The provider's indices of calls, in the order in which they began: a call's place here is its
    /// index in events.
    calls: Vec<u64>,
    is_finished: bool,
}

impl StreamDecoder {
    /// # Errors
    /// What the provider reports inside the stream, and `UpstreamInvalidResponse` for an event that
    /// is not JSON.
    pub(crate) fn decode(&mut self, event: &SseEvent) -> Result<Step> {
        let data = event.data.trim();
        if data == "[DONE]" {
            return Ok(Step::End);
        }
        let mut events = Vec::new();
        if !data.is_empty() {
            self.read(parse(data)?, data, &mut events)?;
        }
        Ok(Step::Events(events))
    }

    /// The connection's end is the answer's end, if the provider has said why it ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        if self.is_finished { Ok(Vec::new()) } else { Err(broken_stream()) }
    }

    fn read(
        &mut self,
        payload: EventPayload<'_>,
        data: &str,
        events: &mut Vec<ChatEvent>,
    ) -> Result<()> {
        let Some(kind) = payload.kind.filled() else {
            // An error in a stream is written as an error body is.
            return match payload.message {
                Some(_) => Err(failed("error", provider_error(data.as_bytes()).message)),
                None => Ok(()),
            };
        };
        if kind == "message-start" {
            let id = payload.id.filled().map(Into::into);
            events.push(ChatEvent::Started { id, model: None, created: None });
            return Ok(());
        }
        let delta: DeltaPayload<'_> = match payload.delta {
            Some(delta) => parse(delta.get())?,
            None => DeltaPayload::default(),
        };
        if kind == "message-end" {
            return self.end(delta, events);
        }
        let message = delta.message.unwrap_or_default();
        match &*kind {
            "content-start" | "content-delta" => {
                events.extend(message.content.and_then(block_event));
            }
            "tool-plan-delta" => {
                let plan = message.tool_plan.filled();
                events
                    .extend(plan.map(|text| ChatEvent::Text { choice: CHOICE, text: text.into() }));
            }
            "tool-call-start" => {
                let call = message.tool_calls.unwrap_or_default();
                self.start_call(payload.index.0, call, events);
            }
            "tool-call-delta" => {
                let call = message.tool_calls.unwrap_or_default();
                self.continue_call(payload.index.0, call, events);
            }
            // Citations, and the ends of blocks.
            _ => {}
        }
        Ok(())
    }

    fn start_call(
        &mut self,
        given: Option<u64>,
        call: CallPayload<'_>,
        events: &mut Vec<ChatEvent>,
    ) {
        let position = self.calls.len();
        self.calls.push(given.unwrap_or(u64::try_from(position).unwrap_or(u64::MAX)));
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        let function = call.function.unwrap_or_default();
        events.push(ChatEvent::ToolCallStarted {
            choice: CHOICE,
            index,
            id: call.id.filled().map_or_else(|| format!("call_{index}"), Into::into),
            name: function.name.filled().unwrap_or_default().into(),
            signature: None,
        });
        events.extend(function.arguments.filled().map(|fragment| arguments(index, fragment)));
    }

    fn continue_call(
        &self,
        given: Option<u64>,
        call: CallPayload<'_>,
        events: &mut Vec<ChatEvent>,
    ) {
        let known = self.calls.iter().rposition(|index| Some(*index) == given);
        let Some(position) = known.or_else(|| self.calls.len().checked_sub(1)) else { return };
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        let fragment = call.function.and_then(|function| function.arguments.filled());
        events.extend(fragment.map(|fragment| arguments(index, fragment)));
    }

    fn end(&mut self, delta: DeltaPayload<'_>, events: &mut Vec<ChatEvent>) -> Result<()> {
        let word = delta.finish_reason.filled();
        let said = delta.error.filled().map(Into::into);
        let reason = finish_reason(word.as_deref().unwrap_or("COMPLETE"), said)?;
        self.is_finished = true;
        let native = word.map(Into::into);
        events.push(ChatEvent::Finished { choice: CHOICE, reason, native });
        events.extend(delta.usage.as_ref().and_then(usage::read).map(ChatEvent::Usage));
        Ok(())
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T> {
    serde_json::from_str(data).map_err(|cause| {
        let context = format!("{cause}: {}", shortened(data.as_bytes()));
        malformed("an event that cannot be read", context)
    })
}

fn arguments(index: u32, fragment: std::borrow::Cow<'_, str>) -> ChatEvent {
    ChatEvent::ToolCallArguments { choice: CHOICE, index, fragment: fragment.into() }
}

fn block_event(block: BlockPayload<'_>) -> Option<ChatEvent> {
    if let Some(text) = block.thinking.filled() {
        return Some(ChatEvent::Reasoning { choice: CHOICE, text: text.into() });
    }
    let text = block.text.filled()?.into();
    Some(ChatEvent::Text { choice: CHOICE, text })
}
