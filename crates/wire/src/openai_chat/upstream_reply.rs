//! A provider's answer, whole or as a stream, to events.

use backstay_core::{Result, chat::ChatEvent};

use super::{
    choices::Choices,
    payload::Payload,
    upstream_list::{error_object, provider_error},
    usage,
};
use crate::{
    SseEvent, Step,
    upstream_error::{broken_stream, in_answer, malformed},
};

/// Context for the log keeps this much of what could not be read.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// Reads the chunks of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamDecoder {
    started: bool,
    choices: Choices,
}

impl StreamDecoder {
    /// # Errors
    /// What the provider reports inside the stream, and `UpstreamInvalidResponse` for a chunk that
    /// is not JSON.
    pub(crate) fn decode(&mut self, event: &SseEvent) -> Result<Step> {
        let data = event.data.trim();
        if data == "[DONE]" {
            return Ok(Step::End);
        }
        if data.is_empty() {
            return Ok(Step::Events(Vec::new()));
        }
        if event.event.as_deref() == Some("error") {
            return Err(in_answer(&provider_error(data.as_bytes())));
        }
        let payload = parse(data.as_bytes(), "a chunk that is not JSON")?;
        let mut events = Vec::new();
        self.read(payload, &mut events)?;
        Ok(Step::Events(events))
    }

    /// What the connection's end means: nothing, if every choice has said why it ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        if self.choices.all_finished() { Ok(Vec::new()) } else { Err(broken_stream()) }
    }

    fn read(&mut self, payload: Payload<'_>, events: &mut Vec<ChatEvent>) -> Result<()> {
        let mut failures = payload.choices.iter().flatten().map(|choice| &choice.error);
        let failure = payload.error.as_ref().or_else(|| failures.find_map(Option::as_ref));
        if let Some(failure) = failure {
            return Err(in_answer(&error_object(failure)));
        }
        let (id, model) = (payload.id.filled(), payload.model.filled());
        let choices = payload.choices.unwrap_or_default();
        // Azure opens with a chunk of empty fields and no choices.
        if !self.started && (id.is_some() || model.is_some() || !choices.is_empty()) {
            self.started = true;
            events.push(ChatEvent::Started {
                id: id.map(Into::into),
                model: model.map(Into::into),
                created: payload.created.0.and_then(|seconds| i64::try_from(seconds).ok()),
            });
        }
        for (position, choice) in choices.into_iter().enumerate() {
            self.choices.read(choice, position, events);
        }
        let at_groq = || payload.x_groq.as_ref().and_then(|groq| groq.get("usage"));
        if let Some(usage) = payload.usage.as_ref().or_else(at_groq).and_then(usage::read) {
            events.push(ChatEvent::Usage(usage));
        }
        Ok(())
    }
}

/// # Errors
/// What the provider reports in place of an answer, and `UpstreamInvalidResponse` for a body that
/// is not a completion.
pub(crate) fn decode_reply(body: &[u8]) -> Result<Vec<ChatEvent>> {
    let payload = parse(body, "an answer that is not JSON")?;
    let has_choices = payload.choices.as_ref().is_some_and(|choices| !choices.is_empty());
    let mut events = Vec::new();
    StreamDecoder::default().read(payload, &mut events)?;
    if has_choices {
        return Ok(events);
    }
    Err(malformed("an answer without choices", shortened(body)))
}

/// `otherwise` names what was sent when it is no JSON.
fn parse<'a>(body: &'a [u8], otherwise: &str) -> Result<Payload<'a>> {
    // Google's interface writes errors as an array.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(in_answer(&provider_error(body)));
    }
    let mut payload = serde_json::from_slice::<Payload<'a>>(body)
        .map_err(|cause| malformed(otherwise, format!("{cause}: {}", shortened(body))))?;
    // The errors of Mistral and vLLM have no object of their own.
    if std::mem::take(&mut payload.object).filled().as_deref() == Some("error") {
        return Err(in_answer(&provider_error(body)));
    }
    Ok(payload)
}

fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARACTERS_MAX).collect()
}
