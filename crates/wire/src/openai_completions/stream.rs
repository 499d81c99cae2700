//! The chunks of a stream.

use std::collections::HashMap;

use backstay_core::{
    Error, Usage,
    chat::{ChatEvent, Settlement},
};
use serde_json::{Value, json};

use super::reply::{OBJECT, echoed, text_choice, usage};
use crate::{
    EncodeOptions, ReplyExtension, extension,
    openai_chat::{self, write_data},
};

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    plain: openai_chat::StreamEncoder,
    prefix: String,
    include_usage: bool,
    show_cost: bool,
    counted: Option<Usage>,
    settlement: Option<Settlement>,
    /// By choice: how many characters have been written.
    written: HashMap<u64, usize>,
    /// The members around the choices, from the first chunk on.
    envelope: Value,
}

impl StreamEncoder {
    pub(crate) fn new(options: &EncodeOptions) -> Self {
        let envelope = json!({"id": options.generation, "object": OBJECT,
            "created": options.created, "model": options.model, "choices": []});
        Self {
            plain: openai_chat::StreamEncoder::new(options),
            prefix: echoed(options).to_owned(),
            include_usage: options.include_usage || options.show_cost,
            show_cost: options.show_cost,
            counted: None,
            settlement: None,
            written: HashMap::new(),
            envelope,
        }
    }

    pub(crate) fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        for event in events {
            match event {
                ChatEvent::Usage(counted) => self.counted = Some(counted.clone()),
                ChatEvent::Settled(settled) => self.settlement = Some(settled.as_ref().clone()),
                _ => {}
            }
        }
        let mut chunks = Vec::new();
        self.plain.each_chunk(events, &mut |chunk| chunks.extend(serde_json::to_value(chunk)));
        for mut chunk in chunks {
            chunk["object"] = Value::from(OBJECT);
            let choices = chunk["choices"].as_array_mut().map(std::mem::take).unwrap_or_default();
            self.envelope.clone_from(&chunk);
            self.envelope["choices"] = json!([]);
            let choices: Vec<Value> =
                choices.iter().map(|choice| self.choice(choice)).filter(says_something).collect();
            if !choices.is_empty() {
                chunk["choices"] = Value::Array(choices);
                write_data(&chunk, out);
            }
        }
    }

    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        let settled = self.settlement.as_ref();
        let counted = self.counted.as_ref().or(settled.map(|settled| &settled.usage));
        let counted = counted.filter(|_| self.include_usage);
        if counted.is_some() || extension.is_some() {
            let mut last = self.envelope.clone();
            if let Some(counted) = counted {
                last["usage"] = usage(counted, settled, self.show_cost);
            }
            if let Some(extension) = extension {
                last[extension::MEMBER] = json!(extension);
            }
            write_data(&last, out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// As a chat's stream fails.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        self.plain.error(error, extension, out);
    }

    fn choice(&mut self, choice: &Value) -> Value {
        let index = choice["index"].as_u64().unwrap_or_default();
        let is_first = !self.written.contains_key(&index);
        let written = self.written.entry(index).or_default();
        let prefix = if is_first { self.prefix.as_str() } else { "" };
        let text = text_choice(choice, "delta", prefix, *written);
        *written += text["text"].as_str().map_or(0, |text| text.chars().count());
        text
    }
}

/// Thinking and calls of tools have no place here.
fn says_something(choice: &Value) -> bool {
    choice["text"] != "" || !choice["logprobs"].is_null() || !choice["finish_reason"].is_null()
}
