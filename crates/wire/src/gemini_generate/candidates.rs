//! The candidates of one answer: their parts to events, and why each ended.

use backstay_core::chat::{ChatEvent, FinishReason};

use super::payload::{CallPayload, CandidatePayload, PartPayload};

/// Every candidate of one answer, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    known: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    index: u32,
    calls: u32,
    /// Held back until the answer ends: some models give a reason with every event, and what it
    /// means depends on whether there are calls.
    reason: Option<FinishReason>,
    native: Option<String>,
}

impl Candidates {
    pub(super) fn read(
        &mut self,
        payload: CandidatePayload<'_>,
        position: usize,
        response_id: Option<&str>,
        events: &mut Vec<ChatEvent>,
    ) {
        let index = payload.index.0.and_then(|index| u32::try_from(index).ok());
        let index = index.unwrap_or(u32::try_from(position).unwrap_or(u32::MAX));
        let candidate = self.candidate(index);
        let parts = payload.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten() {
            candidate.read_part(part, response_id, events);
        }
        if let Some(word) = payload.finish_reason.filled() {
            candidate.reason = Some(finish_reason(&word));
            candidate.native = Some(word.into());
        }
    }

    /// The provider refused the prompt, so that there is no candidate to end.
    pub(super) fn block(&mut self, word: &str) {
        let candidate = self.candidate(0);
        candidate.reason = Some(FinishReason::ContentFilter);
        candidate.native = Some(word.to_owned());
    }

    pub(super) fn has_any(&self) -> bool {
        !self.known.is_empty()
    }

    pub(super) fn are_finished(&self) -> bool {
        self.has_any() && self.known.iter().all(|candidate| candidate.reason.is_some())
    }

    /// Why each ended: this format has no reason of its own for calls.
    pub(super) fn finish(&mut self) -> Vec<ChatEvent> {
        let finished = self.known.drain(..).filter_map(|candidate| {
            let reason = match candidate.reason? {
                FinishReason::Stop if candidate.calls > 0 => FinishReason::ToolCalls,
                reason => reason,
            };
            let (choice, native) = (candidate.index, candidate.native);
            Some(ChatEvent::Finished { choice, reason, native })
        });
        finished.collect()
    }

    fn candidate(&mut self, index: u32) -> &mut Candidate {
        let position = self.known.iter().position(|candidate| candidate.index == index);
        let position = position.unwrap_or_else(|| {
            self.known.push(Candidate { index, calls: 0, reason: None, native: None });
            self.known.len() - 1
        });
        &mut self.known[position]
    }
}

impl Candidate {
    fn read_part(
        &mut self,
        part: PartPayload<'_>,
        response_id: Option<&str>,
        events: &mut Vec<ChatEvent>,
    ) {
        let choice = self.index;
        if let Some(text) = part.text.filled() {
            let text = text.into_owned();
            events.push(match part.thought {
                Some(true) => ChatEvent::Reasoning { choice, text },
                _ => ChatEvent::Text { choice, text },
            });
        }
        // Signatures of other parts are optional, and text has no place for one.
        if let Some(call) = part.function_call {
            let signature = part.thought_signature.filled().map(Into::into);
            self.read_call(call, signature, response_id, events);
        }
    }

    /// Calls come whole. Older models give no id: one is made that differs between answers, because
    /// clients tell calls of a conversation apart by it.
    fn read_call(
        &mut self,
        call: CallPayload<'_>,
        signature: Option<String>,
        response_id: Option<&str>,
        events: &mut Vec<ChatEvent>,
    ) {
        let (choice, index) = (self.index, self.calls);
        self.calls += 1;
        let made_up = || match response_id {
            Some(response) => format!("call_{response}_{choice}_{index}"),
            None => format!("call_{choice}_{index}"),
        };
        events.push(ChatEvent::ToolCallStarted {
            choice,
            index,
            id: call.id.filled().map_or_else(made_up, Into::into),
            name: call.name.filled().unwrap_or_default().into_owned(),
            signature,
        });
        let arguments = call.args.map(|args| args.get()).filter(|args| *args != "null");
        let fragment = arguments.unwrap_or("{}").to_owned();
        events.push(ChatEvent::ToolCallArguments { choice, index, fragment });
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_ascii_lowercase()),
    }
}
