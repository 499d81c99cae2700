//! The events of a stream, each numbered: a response is created; its items are added, filled and done
//! one after the other; then the whole response is told again.

use backstay_core::{
    Error, Usage,
    chat::{ChatEvent, FinishReason, Settlement},
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{
    items::{self, Proof, item_id},
    reply::arguments,
    response::{Head, State},
};
use crate::{EncodeOptions, ReplyExtension};

/// Writes one stream.
#[derive(Debug)]
pub(crate) struct StreamEncoder {
    head: Head,
    sequence: u64,
    started: bool,
    /// Items in the order in which they were added; what is not done yet is null.
    output: Vec<Value>,
    open: Option<Open>,
    /// Calls that are not done yet.
    calls: Vec<Call>,
    /// The call that arguments came for last.
    active_call: Option<u32>,
    reason: Option<FinishReason>,
    counted: Option<Usage>,
    settlement: Option<Settlement>,
    ended: Option<Value>,
}

/// The item that text is being added to.
#[derive(Debug)]
struct Open {
    index: usize,
    id: String,
    text: String,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Text(Vec<Value>),
    Refusal,
}

#[derive(Debug)]
struct Call {
    /// Its number among the choice's calls.
    number: u32,
    index: usize,
    id: String,
    call_id: String,
    name: String,
    arguments: String,
}

impl StreamEncoder {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        Self {
            head: Head::of(options),
            sequence: 0,
            started: false,
            output: Vec::new(),
            open: None,
            calls: Vec::new(),
            active_call: None,
            reason: None,
            counted: None,
            settlement: None,
            ended: None,
        }
    }

    /// An answer has one choice here: of several the first is written.
    pub(crate) fn encode(&mut self, events: &[ChatEvent], out: &mut Vec<u8>) {
        for event in events {
            match event {
                ChatEvent::Started { model, created, .. } => {
                    if let Some(model) = model {
                        self.head.model.clone_from(model);
                    }
                    self.head.created = created.unwrap_or(self.head.created);
                    self.start(out);
                }
                ChatEvent::Text { choice: 0, text } => self.text(text, out),
                ChatEvent::Reasoning { choice: 0, text } => self.reasoning(text, out),
                ChatEvent::Refusal { choice: 0, text } => self.refusal(text, out),
                ChatEvent::ReasoningSignature { choice: 0, signature, redacted } => {
                    self.proof(signature.as_deref(), redacted.as_deref(), out);
                }
                ChatEvent::ToolCallStarted { choice: 0, index, id, name, .. } => {
                    self.begin_call(*index, id, name, out);
                }
                ChatEvent::ToolCallArguments { choice: 0, index, fragment } => {
                    self.extend_call(*index, fragment, out);
                }
                ChatEvent::Logprobs { choice: 0, value } => self.logprobs(value),
                ChatEvent::Finished { choice: 0, reason, .. } => {
                    self.reason = Some(reason.clone());
                    self.close(out);
                    self.close_calls(out);
                }
                ChatEvent::Usage(counted) => self.counted = Some(counted.clone()),
                ChatEvent::Settled(settled) => self.settlement = Some(settled.as_ref().clone()),
                _ => {}
            }
        }
    }

    pub(crate) fn finish(&mut self, extension: Option<&ReplyExtension>, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        self.close_calls(out);
        let reason = self.reason.take();
        let response = self.response(&State::Ended(reason.as_ref()), extension);
        let kind = match response["status"].as_str() {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.ended = Some(response.clone());
        self.write(kind, json!({"response": response}), out);
    }

    /// Ends a stream that failed: what was said so far is in the failed response.
    pub(crate) fn error(
        &mut self,
        error: &Error,
        extension: Option<&ReplyExtension>,
        out: &mut Vec<u8>,
    ) {
        self.start(out);
        self.close(out);
        self.close_calls(out);
        let response = self.response(&State::Failed(error), extension);
        self.write("response.failed", json!({"response": response}), out);
    }

    /// The complete response, once it has ended.
    pub(crate) fn ended(&self) -> Option<&Value> {
        self.ended.as_ref()
    }

    fn response(&self, state: &State<'_>, extension: Option<&ReplyExtension>) -> Value {
        let settled = self.settlement.as_ref();
        let counted = self.counted.as_ref().or(settled.map(|settled| &settled.usage));
        let usage = counted.map(|counted| self.head.usage(counted, settled));
        let done = self.output.iter().filter(|item| !item.is_null()).cloned().collect();
        self.head.response(state, done, usage, extension)
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let response = self.head.response(&State::InProgress, Vec::new(), None, None);
        self.write("response.created", json!({"response": response}), out);
        self.write("response.in_progress", json!({"response": response}), out);
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(&self.open, Some(Open { kind: Kind::Text(_), .. })) {
            self.open_message(Kind::Text(Vec::new()), items::text_part("", &[]), out);
        }
        self.extend("response.output_text.delta", "content_index", text, out);
    }

    fn refusal(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(&self.open, Some(Open { kind: Kind::Refusal, .. })) {
            self.open_message(Kind::Refusal, items::refusal_part(""), out);
        }
        self.extend("response.refusal.delta", "content_index", text, out);
    }

    fn reasoning(&mut self, text: &str, out: &mut Vec<u8>) {
        if !matches!(&self.open, Some(Open { kind: Kind::Reasoning, .. })) {
            let (index, id) = self.add("rs", Kind::Reasoning, out);
            let item = items::reasoning(&id, "", None);
            self.write(
                "response.output_item.added",
                json!({"output_index": index, "item": item}),
                out,
            );
            let part = items::summary_part("");
            let added =
                json!({"item_id": id, "output_index": index, "summary_index": 0, "part": part});
            self.write("response.reasoning_summary_part.added", added, out);
        }
        self.extend("response.reasoning_summary_text.delta", "summary_index", text, out);
    }

    fn proof(&mut self, signature: Option<&str>, redacted: Option<&str>, out: &mut Vec<u8>) {
        let wanted = self.head.encrypted_reasoning;
        if let Some(data) = redacted {
            self.close(out);
            if wanted {
                let id = item_id("rs", &self.head.generation, self.output.len());
                let proof = Proof::Encrypted(data.to_owned());
                self.whole_item(items::reasoning(&id, "", Some(&proof)), out);
            }
        } else if matches!(&self.open, Some(Open { kind: Kind::Reasoning, .. })) {
            let proof = signature.filter(|_| wanted).map(|text| Proof::Signature(text.to_owned()));
            self.close_with(proof.as_ref(), out);
        }
    }

    /// An item of which nothing came in pieces.
    fn whole_item(&mut self, item: Value, out: &mut Vec<u8>) {
        let index = self.output.len();
        self.output.push(item.clone());
        for kind in ["response.output_item.added", "response.output_item.done"] {
            self.write(kind, json!({"output_index": index, "item": item}), out);
        }
    }

    fn logprobs(&mut self, value: &Value) {
        if let Some(Open { kind: Kind::Text(tokens), .. }) = &mut self.open {
            tokens.extend(items::logprobs(value));
        }
    }

    /// Takes the next place in the output for an item that text is added to.
    fn add(&mut self, prefix: &str, kind: Kind, out: &mut Vec<u8>) -> (usize, String) {
        self.start(out);
        self.close(out);
        self.turn_to_call(None, out);
        let index = self.output.len();
        let id = item_id(prefix, &self.head.generation, index);
        self.output.push(Value::Null);
        self.open = Some(Open { index, id: id.clone(), text: String::new(), kind });
        (index, id)
    }

    fn open_message(&mut self, kind: Kind, part: Value, out: &mut Vec<u8>) {
        let (index, id) = self.add("msg", kind, out);
        let item = items::message(&id, "in_progress", Vec::new());
        self.write("response.output_item.added", json!({"output_index": index, "item": item}), out);
        let added = json!({"item_id": id, "output_index": index, "content_index": 0, "part": part});
        self.write("response.content_part.added", added, out);
    }

    fn extend(&mut self, kind: &str, index_name: &str, text: &str, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        open.text.push_str(text);
        let mut delta = json!({"item_id": open.id, "output_index": open.index, index_name: 0,
            "delta": text});
        if matches!(open.kind, Kind::Text(_)) {
            delta["logprobs"] = json!([]);
        }
        self.write(kind, delta, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.close_with(None, out);
    }

    fn close_with(&mut self, proof: Option<&Proof>, out: &mut Vec<u8>) {
        let Some(Open { index, id, text, kind }) = self.open.take() else { return };
        let done = |content: Value, at: &str| {
            let mut event = json!({"item_id": id, "output_index": index, at: 0});
            if let (Value::Object(event), Value::Object(content)) = (&mut event, content) {
                event.extend(content);
            }
            event
        };
        let item = match kind {
            Kind::Reasoning => {
                let event = done(json!({"text": text}), "summary_index");
                self.write("response.reasoning_summary_text.done", event, out);
                let event = done(json!({"part": items::summary_part(&text)}), "summary_index");
                self.write("response.reasoning_summary_part.done", event, out);
                items::reasoning(&id, &text, proof)
            }
            Kind::Text(tokens) => {
                let event = done(json!({"text": text, "logprobs": tokens}), "content_index");
                self.write("response.output_text.done", event, out);
                let part = items::text_part(&text, &tokens);
                let event = done(json!({"part": part}), "content_index");
                self.write("response.content_part.done", event, out);
                items::message(&id, "completed", vec![part])
            }
            Kind::Refusal => {
                let event = done(json!({"refusal": text}), "content_index");
                self.write("response.refusal.done", event, out);
                let part = items::refusal_part(&text);
                let event = done(json!({"part": part}), "content_index");
                self.write("response.content_part.done", event, out);
                items::message(&id, "completed", vec![part])
            }
        };
        self.item_done(index, item, out);
    }

    fn item_done(&mut self, index: usize, item: Value, out: &mut Vec<u8>) {
        let event = json!({"output_index": index, "item": item});
        self.output[index] = item;
        self.write("response.output_item.done", event, out);
    }

    fn begin_call(&mut self, number: u32, call_id: &str, name: &str, out: &mut Vec<u8>) {
        self.start(out);
        self.close(out);
        self.turn_to_call(Some(number), out);
        let index = self.output.len();
        let id = item_id("fc", &self.head.generation, index);
        self.output.push(Value::Null);
        let item = items::call(&id, "in_progress", call_id, name, "");
        self.write("response.output_item.added", json!({"output_index": index, "item": item}), out);
        let (call_id, name) = (call_id.to_owned(), name.to_owned());
        self.calls.push(Call { number, index, id, call_id, name, arguments: String::new() });
    }

    fn extend_call(&mut self, number: u32, fragment: &str, out: &mut Vec<u8>) {
        self.turn_to_call(Some(number), out);
        let Some(call) = self.calls.iter_mut().find(|call| call.number == number) else { return };
        call.arguments.push_str(fragment);
        let delta = json!({"item_id": call.id, "output_index": call.index, "delta": fragment});
        self.write("response.function_call_arguments.delta", delta, out);
    }

    /// What comes now is of another call, or of none: the last one is done if its arguments are whole.
    /// Of a complete object nothing more can come.
    fn turn_to_call(&mut self, number: Option<u32>, out: &mut Vec<u8>) {
        if self.active_call == number {
            return;
        }
        let last = std::mem::replace(&mut self.active_call, number);
        let is_done = |call: &Call| {
            Some(call.number) == last && serde_json::from_str::<IgnoredAny>(&call.arguments).is_ok()
        };
        if let Some(at) = self.calls.iter().position(is_done) {
            let call = self.calls.remove(at);
            self.close_call(call, out);
        }
    }

    fn close_calls(&mut self, out: &mut Vec<u8>) {
        for call in std::mem::take(&mut self.calls) {
            self.close_call(call, out);
        }
    }

    fn close_call(&mut self, call: Call, out: &mut Vec<u8>) {
        let Call { index, id, call_id, name, arguments: text, .. } = call;
        let text = arguments(&text);
        let done = json!({"item_id": id, "output_index": index, "name": name, "arguments": text});
        self.write("response.function_call_arguments.done", done, out);
        let item = items::call(&id, "completed", &call_id, &name, text);
        self.item_done(index, item, out);
    }

    fn write(&mut self, kind: &str, members: Value, out: &mut Vec<u8>) {
        let mut event = json!({"type": kind, "sequence_number": self.sequence});
        if let (Value::Object(event), Value::Object(members)) = (&mut event, members) {
            event.extend(members);
        }
        self.sequence += 1;
        out.extend_from_slice(format!("event: {kind}\ndata: {event}\n\n").as_bytes());
    }
}
