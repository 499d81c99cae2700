//! A provider's stream to events.

use backstay_core::{Result, chat::ChatEvent};

use super::{
    list::{finish_reason, provider_error},
    payload::{DeltaPayload, EventPayload, ReasoningDeltaPayload, StartPayload},
    reply::shortened,
    usage,
};
use crate::{
    ProviderError, SseEvent, Step,
    event_stream::ERROR_EVENT,
    upstream_error::{broken_stream, in_answer, malformed},
};

const CHOICE: u32 = 0;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamDecoder {
    /// The block of each call, in the order in which they began: a call's place here is its index in
    /// events.
    calls: Vec<u64>,
    is_finished: bool,
}

impl StreamDecoder {
    /// Never gives [`Step::End`]: the usage follows the reason, and then the connection ends.
    ///
    /// # Errors
    /// What the provider reports inside the stream, and `UpstreamInvalidResponse` for an event that
    /// is not JSON.
    pub(crate) fn decode(&mut self, event: &SseEvent) -> Result<Step> {
        let name = event.event.as_deref().unwrap_or_default();
        let data = event.data.as_bytes();
        if name == ERROR_EVENT {
            return Err(in_answer(&provider_error(data)));
        }
        if name.ends_with("Exception") {
            let message = provider_error(data).message;
            return Err(in_answer(&ProviderError { message, code: Some(name.to_owned()) }));
        }
        if event.data.trim().is_empty() {
            return Ok(Step::Events(Vec::new()));
        }
        let payload: EventPayload<'_> = serde_json::from_slice(data).map_err(|cause| {
            malformed("an event that is not JSON", format!("{cause}: {}", shortened(data)))
        })?;
        Ok(Step::Events(self.read(name, payload)))
    }

    /// The connection's end is the answer's end, if the provider has said why it ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        if self.is_finished { Ok(Vec::new()) } else { Err(broken_stream()) }
    }

    fn read(&mut self, name: &str, payload: EventPayload<'_>) -> Vec<ChatEvent> {
        let block = payload.content_block_index.0.unwrap_or(0);
        match name {
            "messageStart" => {
                vec![ChatEvent::Started { id: None, model: None, created: None }]
            }
            "contentBlockStart" => {
                payload.start.and_then(|start| self.start_call(block, start)).into_iter().collect()
            }
            "contentBlockDelta" => {
                payload.delta.map(|delta| self.read_delta(block, delta)).unwrap_or_default()
            }
            "messageStop" => {
                self.is_finished = true;
                let word = payload.stop_reason.filled();
                let reason = finish_reason(word.as_deref().unwrap_or("end_turn"));
                let native = word.map(Into::into);
                vec![ChatEvent::Finished { choice: CHOICE, reason, native }]
            }
            "metadata" => {
                let usage = payload.usage.as_ref().and_then(usage::read);
                usage.map(ChatEvent::Usage).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn start_call(&mut self, block: u64, start: StartPayload<'_>) -> Option<ChatEvent> {
        let call = start.tool_use?;
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.push(block);
        Some(ChatEvent::ToolCallStarted {
            choice: CHOICE,
            index,
            id: call.tool_use_id.filled().map_or_else(|| format!("call_{index}"), Into::into),
            name: call.name.filled().unwrap_or_default().into(),
            signature: None,
        })
    }

    fn read_delta(&self, block: u64, delta: DeltaPayload<'_>) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        if let Some(reasoning) = delta.reasoning_content {
            events.extend(reasoning_event(reasoning));
        }
        let text = delta.text.filled();
        events.extend(text.map(|text| ChatEvent::Text { choice: CHOICE, text: text.into() }));
        let fragment = delta.tool_use.and_then(|call| call.input.filled());
        let position = self.calls.iter().position(|known| *known == block);
        if let (Some(fragment), Some(position)) = (fragment, position) {
            events.push(ChatEvent::ToolCallArguments {
                choice: CHOICE,
                index: u32::try_from(position).unwrap_or(u32::MAX),
                fragment: fragment.into(),
            });
        }
        events
    }
}

fn reasoning_event(delta: ReasoningDeltaPayload<'_>) -> Option<ChatEvent> {
    if let Some(text) = delta.text.filled() {
        return Some(ChatEvent::Reasoning { choice: CHOICE, text: text.into() });
    }
    let signature = delta.signature.filled().map(Into::into);
    let redacted = delta.redacted_content.filled().map(Into::into);
    (signature.is_some() || redacted.is_some()).then_some(ChatEvent::ReasoningSignature {
        choice: CHOICE,
        signature,
        redacted,
    })
}
