//! A whole answer.

use backstay_core::{
    WireFormat,
    chat::{ChatReply, Frame},
};
use serde_json::Value;

use super::{
    reasoning_details::{self, Blocks},
    shape::{self, Ended, Facts},
    usage,
};
use crate::{EncodeOptions, ReplyExtension, openai_chat, whole_body};

/// Begins with what the provider wrote where its format is OpenAI's, so that nothing of it is lost.
pub(crate) fn encode_reply(
    frames: &[Frame],
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Value {
    let written = whole_body::of(WireFormat::OpenAi, frames)
        .and_then(|body| serde_json::from_slice::<Value>(body).ok());
    let body = written.unwrap_or_else(|| openai_chat::encode_reply(reply, options, None));
    let Value::Object(mut members) = body else { return body };
    let mut facts = Facts::of(options);
    facts.created = reply.created.unwrap_or(facts.created);
    shape::without_nulls(&mut members, &["system_fingerprint"]);
    let mut members = facts.envelope(members, "chat.completion");
    members.entry("system_fingerprint").or_insert(Value::Null);
    let format = frames.iter().find_map(|frame| frame.raw.as_ref()).map(|raw| raw.format);
    if let Some(Value::Array(choices)) = members.get_mut("choices") {
        for (position, choice) in choices.iter_mut().enumerate() {
            fit(choice, reply, position, format, &facts);
        }
    }
    let reported = members.shift_remove("usage");
    let counted = reply.usage.as_ref().or_else(|| Some(&reply.settlement.as_ref()?.usage));
    if let Some(counted) = counted {
        let usage = usage::write(counted, reply.settlement.as_ref(), reported);
        members.insert("usage".to_owned(), usage);
    }
    facts.epilogue(&mut members, extension);
    Value::Object(members)
}

fn fit(
    choice: &mut Value,
    reply: &ChatReply,
    position: usize,
    format: Option<WireFormat>,
    facts: &Facts,
) {
    let Value::Object(members) = choice else { return };
    let mut blocks = Blocks::of(format);
    let neutral = reply.choices.get(position);
    members.entry("index").or_insert_with(|| Value::from(position));
    if let (Some(neutral), Some(Value::Object(message))) = (neutral, members.get_mut("message")) {
        message.insert("role".to_owned(), Value::from("assistant"));
        if !message.get("reasoning_details").is_some_and(Value::is_array) {
            message.shift_remove("reasoning_details");
            let details = reasoning_details::of_parts(&neutral.message.parts, &mut blocks);
            shape::add_details(message, details);
        }
    }
    let ended = Ended {
        reason: neutral.and_then(|choice| choice.finish_reason.as_ref()),
        native: neutral.and_then(|choice| choice.native_finish_reason.as_deref()),
    };
    shape::choice(members, "message", ended, (facts, &mut blocks));
}
