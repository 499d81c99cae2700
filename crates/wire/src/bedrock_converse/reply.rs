//! A provider's whole answer to events.

use backstay_core::{Result, chat::ChatEvent};

use super::{
    list::finish_reason,
    payload::{BlockPayload, ReasoningPayload, ReplyPayload, ToolUsePayload},
    usage,
};
use crate::upstream_error::malformed;

/// Context for the log keeps this much of what could not be read.
const SHOWN_CHARACTERS_MAX: usize = 200;
const CHOICE: u32 = 0;

/// # Errors
/// `UpstreamInvalidResponse` for a body that has no message.
pub(crate) fn decode_reply(body: &[u8]) -> Result<Vec<ChatEvent>> {
    let payload: ReplyPayload<'_> = serde_json::from_slice(body).map_err(|cause| {
        malformed("an answer that is not JSON", format!("{cause}: {}", shortened(body)))
    })?;
    let Some(message) = payload.output.and_then(|output| output.message) else {
        return Err(malformed("an answer without a message", shortened(body)));
    };
    let mut events = vec![ChatEvent::Started { id: None, model: None, created: None }];
    let mut calls = 0;
    for block in message.content {
        read_block(block, &mut calls, &mut events);
    }
    let word = payload.stop_reason.filled();
    let reason = finish_reason(word.as_deref().unwrap_or("end_turn"));
    let native = word.map(Into::into);
    events.push(ChatEvent::Finished { choice: CHOICE, reason, native });
    events.extend(payload.usage.as_ref().and_then(usage::read).map(ChatEvent::Usage));
    Ok(events)
}

fn read_block(block: BlockPayload<'_>, calls: &mut u32, events: &mut Vec<ChatEvent>) {
    if let Some(reasoning) = block.reasoning_content {
        read_reasoning(reasoning, events);
    }
    let text = block.text.filled();
    events.extend(text.map(|text| ChatEvent::Text { choice: CHOICE, text: text.into() }));
    if let Some(call) = block.tool_use {
        read_call(call, *calls, events);
        *calls += 1;
    }
}

fn read_reasoning(reasoning: ReasoningPayload<'_>, events: &mut Vec<ChatEvent>) {
    if let Some(thoughts) = reasoning.reasoning_text {
        let text = thoughts.text.filled().unwrap_or_default().into();
        events.push(ChatEvent::Reasoning { choice: CHOICE, text });
        let signature = thoughts.signature.filled().map(Into::into);
        if signature.is_some() {
            events.push(ChatEvent::ReasoningSignature {
                choice: CHOICE,
                signature,
                redacted: None,
            });
        }
    }
    if let Some(data) = reasoning.redacted_content.filled() {
        let redacted = Some(data.into());
        events.push(ChatEvent::ReasoningSignature { choice: CHOICE, signature: None, redacted });
    }
}

fn read_call(call: ToolUsePayload<'_>, index: u32, events: &mut Vec<ChatEvent>) {
    events.push(ChatEvent::ToolCallStarted {
        choice: CHOICE,
        index,
        id: call.tool_use_id.filled().map_or_else(|| format!("call_{index}"), Into::into),
        name: call.name.filled().unwrap_or_default().into(),
        signature: None,
    });
    let input = call.input.map_or("{}", |input| input.get());
    let fragment = input.to_owned();
    events.push(ChatEvent::ToolCallArguments { choice: CHOICE, index, fragment });
}

pub(super) fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARACTERS_MAX).collect()
}
