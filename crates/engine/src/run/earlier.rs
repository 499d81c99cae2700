//! Calls of built-in tools that were made before a run had to wait for its client. They are kept as calls,
//! without what they brought, and made again when the run goes on: the model then sees everything that led
//! to its question, and nothing that was deleted meanwhile.

use backstay_core::{
    CallContext, MessageId, Result,
    chat::{Message, Part, ToolCall},
};
use backstay_store::StoredMessage;
use serde::{Deserialize, Serialize};

use super::{BuiltinTool, RunSettings, builtin::Workplace, rounds::Rounds};
use crate::Engine;

/// What a run goes on with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptRun {
    #[serde(flatten)]
    pub(crate) settings: RunSettings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<EarlierCalls>,
}

/// What led to one answer of a thread and is not in the thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlierCalls {
    pub(crate) answer: MessageId,
    /// Messages before it, each of which called built-in tools alone; of each its calls. What was said in
    /// them is in the answer, and is forgotten there.
    pub(crate) before: Vec<Message>,
    /// Calls that were made beside those of the client's tools.
    pub(crate) beside: Vec<ToolCall>,
}

/// The same with what the calls have brought now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Repeated {
    answer: MessageId,
    before: Vec<Message>,
    beside: Vec<ToolCall>,
    results: Vec<Message>,
}

impl Engine {
    /// Makes the calls again.
    pub(super) async fn repeat(
        &self,
        context: &CallContext,
        workplace: &Workplace,
        earlier: Vec<EarlierCalls>,
        rounds: &mut Rounds,
    ) -> Result<Vec<Repeated>> {
        let mut repeated = Vec::with_capacity(earlier.len());
        for EarlierCalls { answer, before, beside } in earlier {
            let mut said = Vec::new();
            for message in before {
                let calls: Vec<ToolCall> = message.tool_calls().cloned().collect();
                said.push(message);
                said.extend(self.results(context, workplace, &calls, rounds).await?);
            }
            let results = self.results(context, workplace, &beside, rounds).await?;
            repeated.push(Repeated { answer, before: said, beside, results });
        }
        Ok(repeated)
    }

    async fn results(
        &self,
        context: &CallContext,
        workplace: &Workplace,
        calls: &[ToolCall],
        rounds: &mut Rounds,
    ) -> Result<Vec<Message>> {
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            // Also what is not offered any more: every call needs a result.
            let Some(tool) = BuiltinTool::find(&BuiltinTool::ALL, &call.name) else { continue };
            let carried = self.carry_out(context, workplace, (tool, call)).await?;
            results.push(rounds.carried(carried));
        }
        Ok(results)
    }
}

/// Of a message what it called.
pub(super) fn calls_alone(message: &Message) -> Message {
    let calls = message.tool_calls().cloned().map(Part::ToolCall).collect();
    Message { made_by: message.made_by.clone(), ..Message::new(message.role, calls) }
}

/// A thread's messages with what led to them.
pub(crate) fn woven(stored: Vec<StoredMessage>, repeated: &[Repeated]) -> Vec<Message> {
    let mut woven = Vec::with_capacity(stored.len());
    for StoredMessage { id, mut message, .. } in stored {
        let Some(led_to) = repeated.iter().find(|repeated| repeated.answer == id) else {
            woven.push(message);
            continue;
        };
        woven.extend(led_to.before.iter().cloned());
        message.parts.extend(led_to.beside.iter().cloned().map(Part::ToolCall));
        woven.push(message);
        woven.extend(led_to.results.iter().cloned());
    }
    woven
}

pub(crate) fn estimated_tokens(repeated: &[Repeated]) -> u64 {
    let messages = repeated.iter().flat_map(|one| one.before.iter().chain(&one.results));
    messages.map(Message::estimated_tokens).sum()
}

#[cfg(test)]
mod tests {
    use backstay_core::chat::Role;

    use super::*;

    #[test]
    fn what_was_said_beside_a_call_is_kept_in_the_answer_alone() {
        let call = Part::ToolCall(ToolCall {
            id: "call_1".to_owned(),
            name: "web_search".to_owned(),
            arguments: "{}".to_owned(),
            signature: Some("proof".to_owned()),
        });
        let text = Part::Text { text: "Let me look.".to_owned() };
        let said = Message::new(Role::Assistant, vec![text, call.clone()]);
        let said = Message { made_by: Some("gemini".to_owned()), ..said };
        let kept = calls_alone(&said);
        assert_eq!((kept.role, kept.made_by), (Role::Assistant, Some("gemini".to_owned())));
        assert_eq!(kept.parts, [call]);
    }
}
