//! A provider's whole answer to events.

use backstay_core::{Result, chat::ChatEvent};

use super::{
    list::finish_reason,
    payload::{MessagePayload, ReplyPayload},
    usage,
};
use crate::upstream_error::malformed;

/// Context for the log keeps this much of what could not be read.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// # Errors
/// What the provider reports in place of an answer, and `UpstreamInvalidResponse` for a body that
/// has no message.
pub(crate) fn decode_reply(body: &[u8]) -> Result<Vec<ChatEvent>> {
    let payload: ReplyPayload<'_> = serde_json::from_slice(body).map_err(|cause| {
        malformed("an answer that is not JSON", format!("{cause}: {}", shortened(body)))
    })?;
    let Some(message) = payload.message else {
        return Err(malformed("an answer without a message", shortened(body)));
    };
    let id = payload.id.filled().map(Into::into);
    let mut events = vec![ChatEvent::Started { id, model: None, created: None }];
    read_message(message, &mut events);
    let word = payload.finish_reason.filled();
    let reason = finish_reason(word.as_deref().unwrap_or("COMPLETE"), None)?;
    let native = word.map(Into::into);
    events.push(ChatEvent::Finished { choice: 0, reason, native });
    events.extend(payload.usage.as_ref().and_then(usage::read).map(ChatEvent::Usage));
    Ok(events)
}

fn read_message(message: MessagePayload<'_>, events: &mut Vec<ChatEvent>) {
    let choice = 0;
    let text_event =
        |text: std::borrow::Cow<'_, str>| ChatEvent::Text { choice, text: text.into() };
    events.extend(message.tool_plan.filled().map(text_event));
    for block in message.content.into_iter().flatten() {
        let thoughts = block.thinking.filled();
        events.extend(thoughts.map(|text| ChatEvent::Reasoning { choice, text: text.into() }));
        events.extend(block.text.filled().map(text_event));
    }
    for (index, call) in (0..).zip(message.tool_calls.into_iter().flatten()) {
        let function = call.function.unwrap_or_default();
        events.push(ChatEvent::ToolCallStarted {
            choice,
            index,
            id: call.id.filled().map_or_else(|| format!("call_{index}"), Into::into),
            name: function.name.filled().unwrap_or_default().into(),
            signature: None,
        });
        let fragment = function.arguments.filled().unwrap_or_default().into();
        events.push(ChatEvent::ToolCallArguments { choice, index, fragment });
    }
}

pub(super) fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARACTERS_MAX).collect()
}
