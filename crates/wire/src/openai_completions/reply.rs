//! A whole answer, and the part of it that chunks share.

use backstay_core::{
    Money, Usage,
    chat::{ChatReply, Settlement},
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{EncodeOptions, ReplyExtension, dollars, extension, openai_chat};

pub(super) const OBJECT: &str = "text_completion";

/// The answer to a chat in the older words.
pub(crate) fn encode_reply(
    reply: &ChatReply,
    options: &EncodeOptions,
    extension: Option<&ReplyExtension>,
) -> Value {
    let mut body = openai_chat::encode_reply(reply, options, None);
    body["object"] = Value::from(OBJECT);
    let prefix = echoed(options);
    if let Some(Value::Array(choices)) = body.get_mut("choices") {
        for choice in choices {
            *choice = text_choice(choice, "message", prefix, 0);
        }
    }
    if let Some(counted) = &reply.usage {
        body["usage"] = usage(counted, reply.settlement.as_ref(), options.show_cost);
    }
    if let Some(extension) = extension {
        body[extension::MEMBER] = json!(extension);
    }
    body
}

/// The answers to several prompts as one: the choices in the order of the prompts, usage and cost in
/// sum. A cost is told when all are known.
pub fn encode_completions(replies: &[(ChatReply, EncodeOptions)]) -> Bytes {
    let mut bodies = replies.iter().map(|(reply, options)| encode_reply(reply, options, None));
    let mut whole = bodies.next().unwrap_or_default();
    let mut choices: Vec<Value> = Vec::new();
    for mut body in std::iter::once(whole.clone()).chain(bodies) {
        if let Value::Array(more) = body["choices"].take() {
            choices.extend(more);
        }
    }
    for (index, choice) in choices.iter_mut().enumerate() {
        choice["index"] = Value::from(index);
    }
    whole["choices"] = Value::Array(choices);
    let mut sum = Usage::default();
    for counted in replies.iter().filter_map(|(reply, _)| reply.usage.as_ref()) {
        sum.prompt_tokens += counted.prompt_tokens;
        sum.completion_tokens += counted.completion_tokens;
        sum.cached_prompt_tokens += counted.cached_prompt_tokens;
        sum.reasoning_tokens += counted.reasoning_tokens;
    }
    let mut counted = usage(&sum, None, false);
    if replies.iter().all(|(_, options)| options.show_cost) {
        let costs = replies.iter().map(|(reply, _)| reply.settlement.as_ref()?.cost);
        let costs: Option<Vec<Money>> = costs.collect();
        dollars::add_amount(&mut counted, costs.and_then(Money::sum));
    }
    whole["usage"] = counted;
    Bytes::from(whole.to_string())
}

/// The prompt, where the client wants it back in front of the answer.
pub(super) fn echoed(options: &EncodeOptions) -> &str {
    options.echo.fields.get("prompt").and_then(Value::as_str).unwrap_or_default()
}

/// A choice of a chat as a choice of a completion; `holder` is `message` or `delta`. `offset` is where
/// its text begins within the whole.
pub(super) fn text_choice(choice: &Value, holder: &str, prefix: &str, offset: usize) -> Value {
    let said = choice.pointer(&format!("/{holder}/content")).and_then(Value::as_str);
    let logprobs = choice.get("logprobs").and_then(|value| value.get("content"));
    json!({
        "index": choice["index"],
        "text": format!("{prefix}{}", said.unwrap_or_default()),
        "logprobs": logprobs.and_then(Value::as_array).map(|tokens| {
            legacy_logprobs(tokens, offset + prefix.chars().count())
        }),
        "finish_reason": choice["finish_reason"],
    })
}

fn legacy_logprobs(tokens: &[Value], mut offset: usize) -> Value {
    let (mut texts, mut numbers, mut top, mut offsets) = (vec![], vec![], vec![], vec![]);
    for token in tokens {
        let text = token["token"].as_str().unwrap_or_default();
        let alternatives = token["top_logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let alternatives: Map<String, Value> = alternatives
            .iter()
            .filter_map(|one| Some((one["token"].as_str()?.to_owned(), one["logprob"].clone())))
            .collect();
        texts.push(text);
        numbers.push(token["logprob"].clone());
        top.push(alternatives);
        offsets.push(offset);
        offset += text.chars().count();
    }
    json!({"tokens": texts, "token_logprobs": numbers, "top_logprobs": top, "text_offset": offsets})
}

pub(super) fn usage(counted: &Usage, settlement: Option<&Settlement>, show_cost: bool) -> Value {
    let mut usage = json!({
        "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens,
        "total_tokens": counted.total_tokens(),
        "prompt_tokens_details": {"cached_tokens": counted.cached_prompt_tokens},
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
    });
    if show_cost {
        dollars::add_cost(&mut usage, settlement);
    }
    usage
}
