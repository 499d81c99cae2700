//! From OpenAI's shape to OpenRouter's, of whole answers and of chunks alike. What neither of us
//! interprets stays as it came.

use backstay_core::chat::{ChatEvent, FinishReason};
use serde_json::{Map, Value, json};

use super::reasoning_details::{self, Blocks};
use crate::{EncodeOptions, ReplyExtension, extension};

/// What is the same in every part of one answer.
#[derive(Debug)]
pub(super) struct Facts {
    id: String,
    model: String,
    provider: String,
    pub(super) created: i64,
    pub(super) hide_reasoning: bool,
    metadata: Option<Value>,
}

impl Facts {
    pub(super) fn of(options: &EncodeOptions) -> Self {
        Self {
            id: options.generation.clone(),
            model: options.model.clone(),
            provider: options.provider.clone(),
            created: options.created,
            hide_reasoning: options.hide_reasoning,
            metadata: options.metadata.clone(),
        }
    }

    /// What is told once, at the end of an answer.
    pub(super) fn epilogue(
        &self,
        body: &mut Map<String, Value>,
        extension: Option<&ReplyExtension>,
    ) {
        if let Some(metadata) = &self.metadata {
            body.insert("openrouter_metadata".to_owned(), metadata.clone());
        }
        if let Some(extension) = extension {
            body.insert(extension::MEMBER.to_owned(), json!(extension));
        }
    }

    /// The members around the choices. An answer that names its provider came through OpenRouter,
    /// which names the model as its clients know it.
    pub(super) fn envelope(
        &self,
        mut body: Map<String, Value>,
        object: &str,
    ) -> Map<String, Value> {
        let provider = body.shift_remove("provider").filter(Value::is_string);
        let model = body.shift_remove("model").filter(|_| provider.is_some());
        let mut written = Map::new();
        for (name, value) in [
            ("id", Value::from(self.id.as_str())),
            ("provider", provider.unwrap_or_else(|| Value::from(self.provider.as_str()))),
            ("model", model.unwrap_or_else(|| Value::from(self.model.as_str()))),
            ("object", Value::from(object)),
            ("created", Value::from(self.created)),
        ] {
            body.shift_remove(name);
            written.insert(name.to_owned(), value);
        }
        written.extend(body);
        written
    }
}

/// Removes members that are null, but those to `keep`.
pub(super) fn without_nulls(members: &mut Map<String, Value>, keep: &[&str]) {
    members.retain(|name, value| !value.is_null() || keep.contains(&name.as_str()));
}

/// Why a choice ended, where it has.
#[derive(Clone, Copy, Default)]
pub(super) struct Ended<'a> {
    pub(super) reason: Option<&'a FinishReason>,
    /// The provider's own word.
    pub(super) native: Option<&'a str>,
}

impl<'a> Ended<'a> {
    pub(super) fn of_event(event: &'a ChatEvent) -> Self {
        match event {
            ChatEvent::Finished { reason, native, .. } => {
                Self { reason: Some(reason), native: native.as_deref() }
            }
            _ => Self::default(),
        }
    }
}

/// Fits one choice. `holder` is the member with what was said: `message` or `delta`.
pub(super) fn choice(
    choice: &mut Map<String, Value>,
    holder: &str,
    ended: Ended<'_>,
    (facts, blocks): (&Facts, &mut Blocks),
) {
    without_nulls(choice, &[]);
    let word = choice.get("finish_reason").and_then(Value::as_str).map(str::to_owned);
    if let Some(native) = ended.native.or(word.as_deref()) {
        choice.entry("native_finish_reason").or_insert_with(|| Value::from(native));
    }
    let normalised = ended.reason.map(|reason| reason.as_str().to_owned()).or(word);
    choice.insert("finish_reason".to_owned(), json!(normalised));
    let said = choice.entry(holder).or_insert_with(|| json!({}));
    if let Value::Object(said) = said {
        // A message without content says so, a delta does not mention it.
        without_nulls(said, if holder == "message" { &["content"] } else { &[] });
        tool_calls(said, holder == "delta", blocks);
        reasoning(said, facts, blocks);
    }
}

/// A signature of a call travels among the reasoning's details.
fn tool_calls(said: &mut Map<String, Value>, are_fragments: bool, blocks: &mut Blocks) {
    let Some(Value::Array(calls)) = said.get_mut("tool_calls") else { return };
    let mut signed = Vec::new();
    for (position, call) in calls.iter_mut().enumerate() {
        let Value::Object(call) = call else { continue };
        without_nulls(call, &[]);
        if are_fragments {
            call.entry("index").or_insert_with(|| Value::from(position));
        }
        if let Value::Object(function) = call.entry("function").or_insert_with(|| json!({})) {
            without_nulls(function, &[]);
        }
        let signature = call.get("extra_content").and_then(reasoning_details::signature_of_call);
        if let (Some(signature), Some(id)) = (signature, call.get("id").and_then(Value::as_str)) {
            signed.push(reasoning_details::of_call(id, signature, blocks));
            call.shift_remove("extra_content");
        }
    }
    add_details(said, signed);
}

fn reasoning(said: &mut Map<String, Value>, facts: &Facts, blocks: &mut Blocks) {
    let text = said.shift_remove("reasoning_content").filter(Value::is_string);
    if let Some(text) = text {
        said.entry("reasoning").or_insert(text);
    }
    if facts.hide_reasoning {
        said.shift_remove("reasoning");
        said.shift_remove("reasoning_details");
        return;
    }
    let text = said.get("reasoning").and_then(Value::as_str).filter(|text| !text.is_empty());
    let has_texts =
        said.get("reasoning_details").and_then(Value::as_array).is_some_and(|details| {
            details.iter().any(|detail| detail["type"] != "reasoning.encrypted")
        });
    if let Some(text) = text.filter(|_| !has_texts) {
        let detail = reasoning_details::of_text(text, blocks);
        add_details(said, vec![detail]);
    }
}

pub(super) fn add_details(said: &mut Map<String, Value>, more: Vec<Value>) {
    if more.is_empty() {
        return;
    }
    let details = said.entry("reasoning_details").or_insert_with(|| json!([]));
    if let Value::Array(details) = details {
        details.extend(more);
    }
}
