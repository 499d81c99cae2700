//! A provider's answer, whole or as a stream, to events.

use backstay_core::{Result, Usage, chat::ChatEvent};

use super::{
    candidates::Candidates,
    list::{error_object, provider_error},
    payload::{Payload, UsagePayload},
};
use crate::{
    SseEvent, Step,
    upstream_error::{broken_stream, in_answer, malformed},
};

/// Context for the log keeps this much of what could not be read.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// Reads the events of one stream, each of which is a partial answer.
#[derive(Debug, Default)]
pub(crate) struct StreamDecoder {
    started: bool,
    response_id: Option<String>,
    candidates: Candidates,
}

impl StreamDecoder {
    /// Never gives [`Step::End`]: the format has no terminator.
    ///
    /// # Errors
    /// What the provider reports inside the stream, and `UpstreamInvalidResponse` for an event that
    /// is not JSON.
    pub(crate) fn decode(&mut self, event: &SseEvent) -> Result<Step> {
        let data = event.data.trim();
        let mut events = Vec::new();
        if !data.is_empty() {
            self.read(parse(data.as_bytes(), "an event that is not JSON")?, &mut events)?;
        }
        Ok(Step::Events(events))
    }

    /// The connection's end is the answer's end, if the provider has said why it ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        if self.candidates.are_finished() {
            Ok(self.candidates.finish())
        } else {
            Err(broken_stream())
        }
    }

    fn read(&mut self, payload: Payload<'_>, events: &mut Vec<ChatEvent>) -> Result<()> {
        if let Some(error) = &payload.error {
            return Err(in_answer(&error_object(error)));
        }
        let (id, model) = (payload.response_id.filled(), payload.model_version.filled());
        if !self.started {
            self.started = true;
            self.response_id = id.map(Into::into);
            events.push(ChatEvent::Started {
                id: self.response_id.clone(),
                model: model.map(Into::into),
                created: None,
            });
        }
        for (position, candidate) in payload.candidates.into_iter().flatten().enumerate() {
            let response_id = self.response_id.as_deref();
            self.candidates.read(candidate, position, response_id, events);
        }
        let feedback = payload.prompt_feedback.and_then(|feedback| feedback.block_reason.filled());
        if let Some(word) = feedback {
            self.candidates.block(&word);
        }
        events.extend(payload.usage_metadata.and_then(usage).map(ChatEvent::Usage));
        Ok(())
    }
}

/// # Errors
/// What the provider reports in place of an answer, and `UpstreamInvalidResponse` for a body that
/// has neither a candidate nor a reason for having none.
pub(crate) fn decode_reply(body: &[u8]) -> Result<Vec<ChatEvent>> {
    let payload = parse(body, "an answer that is not JSON")?;
    let (mut decoder, mut events) = (StreamDecoder::default(), Vec::new());
    decoder.read(payload, &mut events)?;
    if !decoder.candidates.has_any() {
        return Err(malformed("an answer without candidates", shortened(body)));
    }
    events.extend(decoder.candidates.finish());
    Ok(events)
}

/// `otherwise` names what was sent when it is no JSON.
fn parse<'a>(body: &'a [u8], otherwise: &str) -> Result<Payload<'a>> {
    // Errors come as an array where a stream was asked for without events.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(in_answer(&provider_error(body)));
    }
    serde_json::from_slice(body)
        .map_err(|cause| malformed(otherwise, format!("{cause}: {}", shortened(body))))
}

/// Candidates are counted without their thoughts, and what tools at the provider read without the
/// prompt; the neutral counts include both. `None` when the value reports nothing.
fn usage(report: UsagePayload) -> Option<Usage> {
    let prompt = report.prompt_token_count.0;
    let candidates = report.candidates_token_count.0;
    prompt.or(candidates)?;
    let thoughts = report.thoughts_token_count.0.unwrap_or(0);
    let read_by_tools = report.tool_use_prompt_token_count.0.unwrap_or(0);
    Some(Usage {
        prompt_tokens: prompt.unwrap_or(0).saturating_add(read_by_tools),
        completion_tokens: candidates.unwrap_or(0).saturating_add(thoughts),
        cached_prompt_tokens: report.cached_content_token_count.0.unwrap_or(0),
        reasoning_tokens: thoughts,
        ..Usage::default()
    })
}

fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARACTERS_MAX).collect()
}
