//! Runs whose answer is read as answers to typed questions, all of them or none.

use backstay_core::{
    chat::{ChatReply, Message, Role},
    decision::{Answers, Decision},
};
use serde_json::Value;

use super::{RunEnd, RunStatus, events::said};

/// What a model was asked in the place of what its user said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deciding {
    pub(crate) decision: Decision,
    /// What the user said; the thread keeps this.
    pub(crate) said: Message,
}

impl Deciding {
    /// What memories are looked for by.
    pub(crate) fn to_recall_text(&self) -> String {
        self.decision.to_recall_text(&self.said.text())
    }

    /// The assistant's message as the thread keeps it; `None` for one that cannot be read.
    pub(crate) fn answer(&self, reply: &ChatReply) -> Option<Message> {
        let (said, ..) = said(reply);
        let answers = self.decision.answers(&said).ok()?;
        Some(Message::text_of(Role::Assistant, json_text(answers)))
    }

    /// The run's end, in which the answers stand instead of the model's words.
    pub(super) fn finish(&self, end: RunEnd) -> RunEnd {
        if !matches!(end.status, RunStatus::Completed | RunStatus::RequiresAction) {
            return end;
        }
        // No tool was offered, so none is called.
        let end = RunEnd { tool_calls: Vec::new(), ..end };
        match self.decision.answers(&end.text) {
            Ok(answers) => RunEnd {
                status: RunStatus::Completed,
                text: json_text(answers.clone()),
                answers: Some(answers),
                ..end
            },
            Err(error) => RunEnd { status: RunStatus::Failed(error), text: String::new(), ..end },
        }
    }
}

fn json_text(answers: Answers) -> String {
    Value::Object(answers).to_string()
}
