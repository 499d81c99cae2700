//! The chunks of a stream.

use backstay_core::{
    Error, Usage, WireFormat,
    chat::{ChatEvent, Frame, RawFrame, Settlement},
};
use serde_json::{Map, Value, json};

use super::{
    error::error_object,
    reasoning_details::{self, Blocks},
    shape::{self, Ended, Facts},
    usage,
};
use crate::{
    EncodeOptions, ReplyExtension,
    openai_chat::{self, write_data},
    stream_encoder::is_event,
};

const OBJECT: &str = "chat.completion.chunk";

/// Writes one stream. Usage goes out once, at the end, when the ledger has settled the cost.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    facts: Facts,
    /// Writes the chunks of answers that did not come as chunks.
    plain: openai_chat::StreamEncoder,
    blocks: Blocks,
    counted: Option<Usage>,
    settlement: Option<Settlement>,
    /// What the provider's chunk with the usage held, its choices aside.
    last: Map<String, Value>,
}

impl StreamEncoder {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        Self {
            facts: Facts::of(&options),
            plain: openai_chat::StreamEncoder::new(&options),
            blocks: Blocks::of(None),
            counted: None,
            settlement: None,
            last: Map::new(),
        }
    }

    /// Appends a frame: the provider's own chunk, fitted, where its format is OpenAI's.
    pub(crate) fn frame(&mut self, frame: &Frame, out: &mut Vec<u8>) {
        frame.events.iter().for_each(|event| self.keep(event));
        if let Some(raw) = &frame.raw {
            self.blocks.set_format(raw.format);
        }
        let written = frame.raw.as_ref().filter(|raw| raw.format == WireFormat::OpenAi);
        match written.filter(|raw| is_event(raw)).and_then(chunk_of) {
            Some(chunk) => {
                self.plain.observe(&frame.events);
                self.forward(chunk, &frame.events, out);
            }
            None => frame.events.iter().for_each(|event| self.encode(event, out)),
        }
    }

    /// Ends the stream with a chunk that has one silent choice beside the usage: code that reads
    /// `choices[0]` of every chunk meets one, and some clients skip a chunk without choices.
    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        let mut chunk = std::mem::take(&mut self.last);
        let reported = chunk.shift_remove("usage");
        let mut chunk = self.facts.envelope(chunk, OBJECT);
        let silent = json!([{"index": 0, "delta": {"role": "assistant", "content": ""},
            "finish_reason": null}]);
        chunk.insert("choices".to_owned(), silent);
        self.end(&mut chunk, reported, extension);
        write_data(&chunk, out);
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Ends a stream that failed: the error beside a choice that ends with it, and no terminator.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        let mut chunk = self.facts.envelope(Map::new(), OBJECT);
        chunk.insert("error".to_owned(), error_object(error));
        let ended = json!([{"index": 0, "delta": {"role": "assistant", "content": ""},
            "finish_reason": "error", "native_finish_reason": "error"}]);
        chunk.insert("choices".to_owned(), ended);
        let reported = self.last.shift_remove("usage");
        self.end(&mut chunk, reported, extension);
        write_data(&chunk, out);
    }

    fn end(
        &self,
        chunk: &mut Map<String, Value>,
        reported: Option<Value>,
        extension: Option<&ReplyExtension>,
    ) {
        let settled = self.settlement.as_ref();
        if let Some(counted) = self.counted.as_ref().or(settled.map(|known| &known.usage)) {
            chunk.insert("usage".to_owned(), usage::write(counted, settled, reported));
        }
        self.facts.epilogue(chunk, extension);
    }

    fn keep(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { created: Some(created), .. } => self.facts.created = *created,
            ChatEvent::Usage(counted) => self.counted = Some(counted.clone()),
            ChatEvent::Settled(settlement) => self.settlement = Some(settlement.as_ref().clone()),
            _ => {}
        }
    }

    fn forward(&mut self, mut chunk: Map<String, Value>, events: &[ChatEvent], out: &mut Vec<u8>) {
        shape::without_nulls(&mut chunk, &[]);
        if let Some(usage) = chunk.shift_remove("usage") {
            self.last.insert("usage".to_owned(), usage);
        }
        let says_nothing = events.iter().all(|event| matches!(event, ChatEvent::Usage(_)));
        let Some(Value::Array(mut choices)) = chunk.shift_remove("choices") else {
            self.last.extend(chunk);
            return;
        };
        if choices.is_empty() || !events.is_empty() && says_nothing {
            self.last.extend(chunk);
            return;
        }
        for (position, choice) in choices.iter_mut().filter_map(Value::as_object_mut).enumerate() {
            choice.entry("index").or_insert_with(|| Value::from(position));
            let index = choice.get("index").and_then(Value::as_u64);
            let is_end = |event: &&ChatEvent| match event {
                ChatEvent::Finished { choice, .. } => Some(u64::from(*choice)) == index,
                _ => false,
            };
            let ended = events.iter().find(is_end).map(Ended::of_event).unwrap_or_default();
            self.fit(choice, ended);
        }
        self.write(chunk, choices, out);
    }

    fn encode(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        if let ChatEvent::ReasoningSignature { choice, signature, redacted } = event {
            let details: Vec<Value> = [
                redacted
                    .as_deref()
                    .map(|data| reasoning_details::of_encrypted(data, &mut self.blocks)),
                signature
                    .as_deref()
                    .map(|proof| reasoning_details::of_signature(proof, &mut self.blocks)),
            ]
            .into_iter()
            .flatten()
            .collect();
            if !details.is_empty() && !self.facts.hide_reasoning {
                let delta = json!({"role": "assistant", "reasoning_details": details});
                let silent = json!({"index": choice, "delta": delta, "finish_reason": null});
                self.write(Map::new(), vec![silent], out);
            }
            return;
        }
        let mut chunks = Vec::new();
        self.plain.each_chunk(std::slice::from_ref(event), &mut |chunk| {
            chunks.extend(serde_json::to_value(chunk))
        });
        for chunk in chunks {
            let Value::Object(mut chunk) = chunk else { continue };
            let Some(Value::Array(mut choices)) = chunk.shift_remove("choices") else { continue };
            for choice in choices.iter_mut().filter_map(Value::as_object_mut) {
                let is_end = choice.get("finish_reason").is_some_and(|word| !word.is_null());
                let ended = if is_end { Ended::of_event(event) } else { Ended::default() };
                self.fit(choice, ended);
            }
            self.write(chunk, choices, out);
        }
    }

    fn fit(&mut self, choice: &mut Map<String, Value>, ended: Ended<'_>) {
        shape::choice(choice, "delta", ended, (&self.facts, &mut self.blocks));
    }

    fn write(&self, chunk: Map<String, Value>, mut choices: Vec<Value>, out: &mut Vec<u8>) {
        if self.facts.hide_reasoning {
            choices.retain(|choice| !is_empty(choice));
        }
        if choices.is_empty() {
            return;
        }
        let mut chunk = self.facts.envelope(chunk, OBJECT);
        chunk.insert("choices".to_owned(), Value::Array(choices));
        write_data(&chunk, out);
    }
}

/// A choice whose thinking was all that it had.
fn is_empty(choice: &Value) -> bool {
    choice["finish_reason"].is_null()
        && choice["delta"].as_object().is_some_and(|delta| delta.keys().all(|name| name == "role"))
}

/// The JSON of an event's data.
fn chunk_of(raw: &RawFrame) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(&raw.bytes).ok()?;
    let data: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| data.strip_prefix(' ').unwrap_or(data))
        .collect();
    serde_json::from_str(&data.join("\n")).ok()
}
