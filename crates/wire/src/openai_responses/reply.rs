//! A whole answer.

use backstay_core::chat::{ChatReply, Part};
use serde_json::Value;

use super::{
    items::{self, Proof, item_id},
    response::{Head, State},
};
use crate::{EncodeOptions, ReplyExtension};

/// An answer has one choice here: of several the first is written.
pub(crate) fn encode_reply(
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Value {
    let mut head = Head::of(options.clone());
    if let Some(model) = &reply.model {
        head.model.clone_from(model);
    }
    head.created = reply.created.unwrap_or(head.created);
    let choice = reply.choices.first();
    let reason = choice.and_then(|choice| choice.finish_reason.as_ref());
    let parts = choice.map(|choice| choice.message.parts.as_slice()).unwrap_or_default();
    let logprobs = choice.and_then(|choice| choice.logprobs.as_ref());
    let logprobs = logprobs.map(items::logprobs).unwrap_or_default();
    let counted = reply.usage.as_ref().or_else(|| Some(&reply.settlement.as_ref()?.usage));
    let usage = counted.map(|counted| head.usage(counted, reply.settlement.as_ref()));
    let output = output(&head.generation, head.encrypted_reasoning, parts, &logprobs);
    head.response(&State::Ended(reason), output, usage, extension)
}

/// The items that the parts of an assistant's message are here.
pub(super) fn output(
    generation: &str,
    encrypted_reasoning: bool,
    parts: &[Part],
    logprobs: &[Value],
) -> Vec<Value> {
    let mut output: Vec<Value> = Vec::new();
    let mut said: Vec<Value> = Vec::new();
    for part in parts {
        let id = |prefix: &str| item_id(prefix, generation, output.len());
        let item = match part {
            Part::Reasoning { text, signature, redacted } => {
                let signed = signature.clone().map(Proof::Signature);
                let proof = redacted.clone().map(Proof::Encrypted).or(signed);
                let proof = proof.filter(|_| encrypted_reasoning);
                if text.is_empty() && proof.is_none() {
                    continue;
                }
                items::reasoning(&id("rs"), text, proof.as_ref())
            }
            Part::Text { text } => {
                said.push(items::text_part(text, logprobs));
                continue;
            }
            Part::Refusal { text } => {
                said.push(items::refusal_part(text));
                continue;
            }
            Part::ToolCall(call) => {
                if !said.is_empty() {
                    let message =
                        items::message(&id("msg"), "completed", std::mem::take(&mut said));
                    output.push(message);
                }
                let id = item_id("fc", generation, output.len());
                items::call(&id, "completed", &call.id, &call.name, arguments(&call.arguments))
            }
            _ => continue,
        };
        output.push(item);
    }
    if !said.is_empty() {
        let id = item_id("msg", generation, output.len());
        output.push(items::message(&id, "completed", said));
    }
    output
}

/// Clients parse the arguments as JSON, which an empty text is not.
pub(super) fn arguments(text: &str) -> &str {
    if text.is_empty() { "{}" } else { text }
}
