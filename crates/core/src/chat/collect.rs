//! Events to one reply: how a stream becomes a complete answer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ChatEvent, FinishReason, Message, Part, Role, Settlement, ToolCall};
use crate::Usage;

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ChatReply {
    pub id: Option<String>,
    pub model: Option<String>,
    pub created: Option<i64>,
    /// In order of their index.
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
    pub settlement: Option<Settlement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub index: u32,
    pub message: Message,
    pub finish_reason: Option<FinishReason>,
    /// The provider's own word for it.
    pub native_finish_reason: Option<String>,
    pub logprobs: Option<Value>,
}

/// Gathers events. Reasoning comes first in a message, then text, then tool calls in their order:
/// the order in which every format writes them.
#[derive(Default)]
pub struct Collector {
    reply: ChatReply,
    choices: BTreeMap<u32, Pending>,
}

#[derive(Default)]
struct Pending {
    reasoning: Vec<Part>,
    text: String,
    refusal: String,
    calls: BTreeMap<u32, ToolCall>,
    finish_reason: Option<FinishReason>,
    native_finish_reason: Option<String>,
    logprobs: Option<Value>,
}

impl Collector {
    pub fn push(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { id, model, created } => {
                self.reply.id = id.clone();
                self.reply.model = model.clone();
                self.reply.created = *created;
            }
            ChatEvent::Text { choice, text } => self.choice(*choice).text.push_str(text),
            ChatEvent::Refusal { choice, text } => self.choice(*choice).refusal.push_str(text),
            ChatEvent::Reasoning { choice, text } => self.choice(*choice).reason(text),
            ChatEvent::ReasoningSignature { choice, signature, redacted } => {
                self.choice(*choice).sign(signature.as_deref(), redacted.as_deref());
            }
            ChatEvent::ToolCallStarted { choice, index, id, name, signature } => {
                let call = ToolCall {
                    id: id.clone(),
                    name: name.clone(),
                    arguments: String::new(),
                    signature: signature.clone(),
                };
                self.choice(*choice).calls.insert(*index, call);
            }
            ChatEvent::ToolCallArguments { choice, index, fragment } => {
                if let Some(call) = self.choice(*choice).calls.get_mut(index) {
                    call.arguments.push_str(fragment);
                }
            }
            ChatEvent::Logprobs { choice, value } => {
                merge_logprobs(&mut self.choice(*choice).logprobs, value);
            }
            ChatEvent::Finished { choice, reason, native } => {
                let choice = self.choice(*choice);
                choice.finish_reason = Some(reason.clone());
                choice.native_finish_reason.clone_from(native);
            }
            ChatEvent::Continued { .. } => {}
            ChatEvent::Usage(usage) => self.reply.usage = Some(usage.clone()),
            ChatEvent::Settled(settlement) => {
                self.reply.settlement = Some(settlement.as_ref().clone());
            }
        }
    }

    pub fn finish(mut self) -> ChatReply {
        let choices = self.choices.into_iter();
        self.reply.choices = choices.map(|(index, pending)| pending.into_choice(index)).collect();
        self.reply
    }

    fn choice(&mut self, index: u32) -> &mut Pending {
        self.choices.entry(index).or_default()
    }
}

impl Pending {
    fn reason(&mut self, fragment: &str) {
        match self.reasoning.last_mut() {
            Some(Part::Reasoning { text, signature: None, redacted: None }) => {
                text.push_str(fragment);
            }
            _ => self.reasoning.push(Part::Reasoning {
                text: fragment.to_owned(),
                signature: None,
                redacted: None,
            }),
        }
    }

    fn sign(&mut self, proof: Option<&str>, encrypted: Option<&str>) {
        if let Some(encrypted) = encrypted {
            self.reasoning.push(Part::Reasoning {
                text: String::new(),
                signature: None,
                redacted: Some(encrypted.to_owned()),
            });
            return;
        }
        self.reason("");
        if let (Some(Part::Reasoning { signature, .. }), Some(proof)) =
            (self.reasoning.last_mut(), proof)
        {
            *signature = Some(proof.to_owned());
        }
    }

    fn into_choice(self, index: u32) -> Choice {
        let mut parts = self.reasoning;
        if !self.text.is_empty() {
            parts.push(Part::Text { text: self.text });
        }
        if !self.refusal.is_empty() {
            parts.push(Part::Refusal { text: self.refusal });
        }
        parts.extend(self.calls.into_values().map(Part::ToolCall));
        Choice {
            index,
            message: Message::new(Role::Assistant, parts),
            finish_reason: self.finish_reason,
            native_finish_reason: self.native_finish_reason,
            logprobs: self.logprobs,
        }
    }
}

/// Log probabilities arrive as arrays of tokens (`content`, `refusal`) that continue each other.
fn merge_logprobs(into: &mut Option<Value>, next: &Value) {
    let (Some(Value::Object(known)), Value::Object(next)) = (into.as_mut(), next) else {
        *into = Some(next.clone());
        return;
    };
    for (key, value) in next {
        match (known.get_mut(key), value) {
            (Some(Value::Array(tokens)), Value::Array(more)) => tokens.extend(more.iter().cloned()),
            _ => {
                known.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_one_message_with_reasoning_text_and_calls_in_order() {
        let mut collector = Collector::default();
        let call = |index, name: &str| ChatEvent::ToolCallStarted {
            choice: 0,
            index,
            id: format!("c{index}"),
            name: name.to_owned(),
            signature: None,
        };
        let arguments = |index, fragment: &str| ChatEvent::ToolCallArguments {
            choice: 0,
            index,
            fragment: fragment.to_owned(),
        };
        for event in [
            ChatEvent::Reasoning { choice: 0, text: "thin".to_owned() },
            ChatEvent::Reasoning { choice: 0, text: "king".to_owned() },
            ChatEvent::ReasoningSignature {
                choice: 0,
                signature: Some("sig".to_owned()),
                redacted: None,
            },
            call(0, "a"),
            call(1, "b"),
            arguments(1, "{\"y\":"),
            arguments(0, "{}"),
            arguments(1, "2}"),
            ChatEvent::Text { choice: 0, text: "hi".to_owned() },
            ChatEvent::Finished { choice: 0, reason: FinishReason::ToolCalls, native: None },
        ] {
            collector.push(&event);
        }
        let reply = collector.finish();
        let parts = &reply.choices[0].message.parts;
        assert!(
            matches!(&parts[0], Part::Reasoning { text, signature: Some(s), .. } if text == "thinking" && s == "sig")
        );
        assert!(matches!(&parts[1], Part::Text { text } if text == "hi"));
        assert!(matches!(&parts[2], Part::ToolCall(c) if c.name == "a" && c.arguments == "{}"));
        assert!(
            matches!(&parts[3], Part::ToolCall(c) if c.name == "b" && c.arguments == "{\"y\":2}")
        );
    }
}
