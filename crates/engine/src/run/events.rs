//! What a run tells its client while it goes on, and at its end.

use backstay_core::{
    Error, MemoryOperationId, Money, Timestamp,
    chat::{ChatEvent, ChatReply, Collector, Frame, Message, Part, Settlement, ToolCall},
    decision::Answers,
    memory::Recalled,
};

use super::BuiltinTool;
use crate::{Reply, Served};

/// One step of a run, in the order in which they come.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// An endpoint has begun to answer.
    Started {
        provider: String,
        model: String,
        recalled: Vec<Recalled>,
    },
    Reasoning(String),
    ReasoningEnded,
    Text(String),
    ToolCallStarted {
        id: String,
        name: String,
    },
    /// Its arguments are complete.
    ToolCallReady(ToolCall),
    /// The last one.
    Ended(Box<RunEnd>),
}

/// How a run stands when it has ended, or waits.
#[derive(Clone, Debug, PartialEq)]
pub enum RunStatus {
    Completed,
    /// It waits for the outputs of these tool calls.
    RequiresAction,
    Cancelled,
    Failed(Error),
}

/// What a run has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    pub status: RunStatus,
    pub text: String,
    /// Empty where there is none, or the client does not want it.
    pub reasoning: String,
    pub tool_calls: Vec<ToolCall>,
    /// To the typed questions of the run, where it was asked such; the text says the same.
    pub answers: Option<Answers>,
    pub recalled: Vec<Recalled>,
    /// What the ledger says; `None` where no call was made.
    pub used: Option<Used>,
    pub context: Option<ContextUse>,
    pub operation: Option<MemoryOperationId>,
    /// Names of the files that a search of documents found something in.
    pub files: Vec<String>,
    pub ended_at: Timestamp,
}

/// What was used up, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Used {
    pub provider: String,
    pub model: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_input_tokens: u64,
    pub cache_write_tokens: u64,
    /// `None` when it is unknown.
    pub cost: Option<Money>,
}

/// How much of the model's window a turn has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextUse {
    pub used_tokens: u64,
    pub limit: u64,
    /// Of the prompt, what stands for turns that did not fit into it.
    pub summary_tokens: u64,
    pub model: String,
}

impl RunEnd {
    /// Of a run that no endpoint has begun to answer.
    pub fn failed(error: Error, ended_at: Timestamp) -> Self {
        Self::empty(RunStatus::Failed(error), ended_at)
    }

    pub(super) fn empty(status: RunStatus, ended_at: Timestamp) -> Self {
        Self {
            status,
            text: String::new(),
            reasoning: String::new(),
            tool_calls: Vec::new(),
            answers: None,
            recalled: Vec::new(),
            used: None,
            context: None,
            operation: None,
            files: Vec::new(),
            ended_at,
        }
    }
}

/// Gathers one call's answer and says what a client sees of it.
pub(super) struct Watching {
    served: Served,
    recalled: Vec<Recalled>,
    summary_tokens: u64,
    hides_thinking: bool,
    builtin: Vec<BuiltinTool>,
    collector: Collector,
    is_thinking: bool,
}

impl Watching {
    pub(super) fn of(reply: &Reply, hides_thinking: bool, builtin: &[BuiltinTool]) -> Self {
        Self {
            served: reply.served.clone(),
            recalled: reply.recalled.clone(),
            summary_tokens: reply.summary_tokens,
            hides_thinking,
            builtin: builtin.to_vec(),
            collector: Collector::default(),
            is_thinking: false,
        }
    }

    pub(super) fn started(&self) -> RunEvent {
        let (provider, model) = self.served.endpoint.clone();
        RunEvent::Started { provider, model, recalled: self.recalled.clone() }
    }

    /// What of a frame the client is told.
    pub(super) fn push(&mut self, frame: &Frame) -> Vec<RunEvent> {
        let mut told = Vec::new();
        for event in &frame.events {
            self.collector.push(event);
            match event {
                ChatEvent::Reasoning { choice: 0, text } if !self.hides_thinking => {
                    self.is_thinking = true;
                    told.push(RunEvent::Reasoning(text.clone()));
                }
                ChatEvent::Text { choice: 0, text } | ChatEvent::Refusal { choice: 0, text } => {
                    self.end_thinking(&mut told);
                    told.push(RunEvent::Text(text.clone()));
                }
                ChatEvent::ToolCallStarted { choice: 0, id, name, .. }
                    if BuiltinTool::find(&self.builtin, name).is_none() =>
                {
                    self.end_thinking(&mut told);
                    told.push(RunEvent::ToolCallStarted { id: id.clone(), name: name.clone() });
                }
                ChatEvent::Finished { choice: 0, .. } => self.end_thinking(&mut told),
                _ => {}
            }
        }
        told
    }

    fn end_thinking(&mut self, told: &mut Vec<RunEvent>) {
        if std::mem::take(&mut self.is_thinking) {
            told.push(RunEvent::ReasoningEnded);
        }
    }

    /// The end of a call that came to one, and what was said in it; `error` is what broke it off.
    pub(super) fn finish(self, error: Option<Error>, at: Timestamp) -> (RunEnd, Option<Message>) {
        let reply = self.collector.finish();
        let (text, reasoning, tool_calls) = said(&reply);
        let status = match error {
            Some(error) => RunStatus::Failed(error),
            None if tool_calls.is_empty() => RunStatus::Completed,
            None => RunStatus::RequiresAction,
        };
        let used = reply.settlement.as_ref().map(used);
        let context = used.as_ref().and_then(|used| {
            Some(ContextUse {
                used_tokens: used.input_tokens + used.output_tokens,
                limit: self.served.context_length.filter(|limit| *limit > 0)?,
                summary_tokens: self.summary_tokens,
                model: used.model.clone(),
            })
        });
        let message = reply.choices.into_iter().next().map(|choice| choice.message);
        let made_by = used.as_ref().map(|used| used.provider.clone());
        let message = message.map(|message| Message { made_by, ..message });
        let end = RunEnd {
            text,
            reasoning: if self.hides_thinking { String::new() } else { reasoning },
            tool_calls,
            recalled: self.recalled,
            used,
            context,
            ..RunEnd::empty(status, at)
        };
        (end, message)
    }
}

/// Text, thinking and tool calls of the first choice.
pub(super) fn said(reply: &ChatReply) -> (String, String, Vec<ToolCall>) {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    let parts = reply.choices.first().map(|choice| choice.message.parts.as_slice());
    for part in parts.unwrap_or_default() {
        match part {
            Part::Text { text: said } | Part::Refusal { text: said } => text.push_str(said),
            Part::Reasoning { text: thought, .. } => reasoning.push_str(thought),
            Part::ToolCall(call) => calls.push(call.clone()),
            _ => {}
        }
    }
    (text, reasoning, calls)
}

fn used(settlement: &Settlement) -> Used {
    let usage = &settlement.usage;
    Used {
        provider: settlement.provider.clone(),
        model: settlement.model.clone(),
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
        cached_input_tokens: usage.cached_prompt_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        cost: settlement.cost,
    }
}
