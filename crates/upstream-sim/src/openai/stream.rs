//! A streamed chat completion.

use serde::Serialize;
use serde_json::{Value, json};

use super::Extra;
use super::reply::{call_id, completion_id, finish_reason, logprobs, usage};
use crate::CREATED_UNIX_S;
use crate::delivery::{Frame, FrameKind};
use crate::prompt::Prompt;
use crate::respond::Plan;
use crate::tokens;
use crate::wire::data_event;

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    service_tier: &'static str,
    system_fingerprint: &'static str,
    choices: &'a [Choice<'a>],
    /// `null` in every chunk but the last if the usage was asked for, else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: usize,
    delta: Delta<'a>,
    logprobs: Option<Value>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Value>,
}

/// Writes the chunks of one stream.
struct Writer<'a> {
    id: String,
    prompt: &'a Prompt,
    extra: &'a Extra,
    frames: Vec<Frame>,
}

pub(crate) fn frames(prompt: &Prompt, extra: &Extra, plan: &Plan) -> Vec<Frame> {
    let mut writer = Writer::new(prompt, extra);
    for index in 0..prompt.choices {
        writer.choice(index, plan);
    }
    if let (true, Some(counted)) = (extra.include_usage, plan.usage) {
        writer.chunk(FrameKind::Event, &[], Some(usage(counted)));
    }
    writer.frames.push(Frame::new(FrameKind::Terminal, data_event("[DONE]")));
    writer.frames
}

/// A chunk with empty `choices`, as Azure OpenAI sends one before the first token.
pub(crate) fn empty_frame(prompt: &Prompt, extra: &Extra) -> Frame {
    let writer = Writer::new(prompt, extra);
    Frame::new(FrameKind::Event, writer.bytes(&[], None))
}

impl<'a> Writer<'a> {
    fn new(prompt: &'a Prompt, extra: &'a Extra) -> Self {
        Self { id: completion_id(extra.id), prompt, extra, frames: Vec::new() }
    }

    fn choice(&mut self, index: usize, plan: &Plan) {
        let start = Delta {
            role: Some("assistant"),
            content: plan.calls.is_empty().then_some(""),
            ..Delta::default()
        };
        self.delta(FrameKind::Event, index, start);
        for piece in tokens::pieces(&plan.reasoning) {
            let delta = Delta { reasoning_content: Some(piece), ..Delta::default() };
            self.delta(FrameKind::Token, index, delta);
        }
        for piece in tokens::pieces(&plan.text) {
            let delta = Delta { content: Some(piece), ..Delta::default() };
            let logprobs = self.extra.top_logprobs.map(|top| logprobs(std::iter::once(piece), top));
            let choice = Choice { index, delta, logprobs, finish_reason: None };
            self.chunk(FrameKind::Token, &[choice], None);
        }
        self.tool_calls(index, plan);
        let finish_reason = Some(finish_reason(&plan.finish));
        let choice = Choice { index, delta: Delta::default(), logprobs: None, finish_reason };
        self.chunk(FrameKind::Event, &[choice], None);
    }

    fn tool_calls(&mut self, index: usize, plan: &Plan) {
        for (at, call) in plan.calls.iter().enumerate() {
            let start = json!([{
                "index": at,
                "id": call_id(self.extra.id, index, at),
                "type": "function",
                "function": {"name": call.name, "arguments": ""}
            }]);
            let delta = Delta { tool_calls: Some(start), ..Delta::default() };
            self.delta(FrameKind::Event, index, delta);
            for fragment in tokens::argument_fragments(&call.arguments_text()) {
                let part = json!([{"index": at, "function": {"arguments": fragment}}]);
                let delta = Delta { tool_calls: Some(part), ..Delta::default() };
                self.delta(FrameKind::Token, index, delta);
            }
        }
    }

    fn delta(&mut self, kind: FrameKind, index: usize, delta: Delta<'_>) {
        let choice = Choice { index, delta, logprobs: None, finish_reason: None };
        self.chunk(kind, &[choice], None);
    }

    fn chunk(&mut self, kind: FrameKind, choices: &[Choice<'_>], usage: Option<Value>) {
        let bytes = self.bytes(choices, usage);
        self.frames.push(Frame::new(kind, bytes));
    }

    fn bytes(&self, choices: &[Choice<'_>], usage: Option<Value>) -> bytes::Bytes {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: CREATED_UNIX_S,
            model: &self.prompt.model,
            service_tier: "default",
            system_fingerprint: "fp_sim",
            choices,
            usage: usage.or(self.extra.include_usage.then_some(Value::Null)),
        };
        // A struct of strings, numbers and JSON values always has a JSON text.
        data_event(&serde_json::to_string(&chunk).unwrap_or_default())
    }
}
