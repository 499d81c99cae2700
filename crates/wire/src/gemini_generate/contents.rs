//! Neutral messages to `systemInstruction` and `contents`.
//!
//! What functions return has to follow the calls at once, in a content that holds nothing else:
//! between two answers of the model all results come first, then everything that the user says.

use std::collections::HashMap;

use backstay_core::chat::{Message, Part, Role};
use serde_json::{Value, json};

use super::{content, function_call, model_generation::ModelGeneration};
use crate::Loss;

pub(super) struct Prompt {
    pub(super) system: Option<Value>,
    pub(super) contents: Vec<Value>,
}

#[derive(Default)]
struct Builder {
    system: Vec<Value>,
    contents: Vec<Value>,
    /// What the user's side has said since the model spoke last.
    results: Vec<Value>,
    said: Vec<Value>,
    /// What the model has said since the user's side spoke last.
    answered: Vec<Value>,
    /// Function names by call id: a result has to repeat the name.
    call_names: HashMap<String, String>,
}

pub(super) fn encode_all(
    messages: &[Message],
    generation: ModelGeneration,
    loss: &mut Loss,
) -> Prompt {
    let mut builder = Builder::default();
    for message in messages {
        if message.name.is_some() {
            loss.record("messages.name");
        }
        match message.role {
            Role::System => builder.push_system(message, loss),
            Role::Assistant => builder.push_assistant(message, loss),
            Role::User | Role::Tool => {
                builder.end_assistant(generation);
                message.parts.iter().for_each(|part| builder.push_user(part, loss));
            }
        }
    }
    builder.finish(generation)
}

impl Builder {
    fn push_system(&mut self, message: &Message, loss: &mut Loss) {
        for part in &message.parts {
            match content::plain_text(part) {
                Some(text) if text.is_empty() => {}
                Some(text) => self.system.push(json!({"text": text})),
                None => loss.record("messages.content"),
            }
        }
    }

    fn push_assistant(&mut self, message: &Message, loss: &mut Loss) {
        self.end_user();
        for part in &message.parts {
            if let Part::ToolCall(call) = part {
                self.call_names.insert(call.id.clone(), call.name.clone());
            }
            content::push(part, &mut self.answered, loss);
        }
    }

    /// Media in what a function returned follow as the user's, because older models take them
    /// nowhere else.
    fn push_user(&mut self, part: &Part, loss: &mut Loss) {
        let Part::ToolResult { call_id, name, parts, is_error } = part else {
            content::push(part, &mut self.said, loss);
            return;
        };
        let texts: Vec<_> = parts.iter().filter_map(content::plain_text).collect();
        let known = name.as_ref().or_else(|| self.call_names.get(call_id));
        let name = known.map_or(call_id.as_str(), String::as_str);
        self.results.push(function_call::response(call_id, name, &texts.join("\n\n"), *is_error));
        for media in parts.iter().filter(|part| content::plain_text(part).is_none()) {
            content::push(media, &mut self.said, loss);
        }
    }

    fn end_user(&mut self) {
        for parts in [&mut self.results, &mut self.said] {
            if !parts.is_empty() {
                let parts = std::mem::take(parts);
                self.contents.push(json!({"role": "user", "parts": parts}));
            }
        }
    }

    fn end_assistant(&mut self, generation: ModelGeneration) {
        if !self.answered.is_empty() {
            let mut parts = std::mem::take(&mut self.answered);
            function_call::sign_first(&mut parts, generation);
            self.contents.push(json!({"role": "model", "parts": parts}));
        }
    }

    /// Instructions alone are no conversation here: they are what the user says.
    fn finish(mut self, generation: ModelGeneration) -> Prompt {
        self.end_assistant(generation);
        self.end_user();
        if self.contents.is_empty() && !self.system.is_empty() {
            let contents = vec![json!({"role": "user", "parts": self.system})];
            return Prompt { system: None, contents };
        }
        let system = (!self.system.is_empty()).then(|| json!({"parts": self.system}));
        Prompt { system, contents: self.contents }
    }
}
