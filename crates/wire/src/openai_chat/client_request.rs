//! A client's request body to the neutral request.

use std::collections::HashMap;

use backstay_core::{
    Result, WireFormat,
    chat::{CacheMark, ChatRequest, Origin, Parameters, Reasoning},
};
use serde_json::{Map, Value};

use super::{client_message, client_tools};
use crate::fields::{Object, Path};

/// Fields that have a neutral meaning. All others are passed on to an upstream of this format and
/// reported when another format cannot take them.
const INTERPRETED: [&str; 23] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "n",
    "logprobs",
    "top_logprobs",
    "user",
];
/// Not part of [`Origin::fields`], because the encoder writes them.
const REWRITTEN: [&str; 4] = ["model", "messages", "stream", "stream_options"];

/// # Errors
/// `InvalidRequest` and `UnsupportedContent` with the path of the field that is at fault.
pub(crate) fn decode_request(mut body: Map<String, Value>) -> Result<ChatRequest> {
    // Shifting keeps the client's order of fields, which plain removal does not.
    let messages = body.shift_remove("messages");
    let mut notes = Notes::default();
    let mut request = decode_fields(Object::new(&body, &Path::Root), &mut notes)?;
    request.messages = client_message::decode_all(messages, &mut notes)?;
    let stream_options = remaining_stream_options(&mut body);
    for name in REWRITTEN {
        body.shift_remove(name);
    }
    body.extend(stream_options.map(|options| ("stream_options".to_owned(), options)));
    request.origin = Some(Origin {
        format: WireFormat::OpenAi,
        fields: body,
        uninterpreted: notes.uninterpreted,
    });
    Ok(request)
}

/// What is learnt on the way through a body.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) uninterpreted: Vec<String>,
    /// Of the message that is being read.
    pub(super) cache_marks: Vec<CacheMark>,
    /// Tool names by call id, which later results refer to.
    pub(super) call_names: HashMap<String, String>,
}

fn decode_fields(body: Object<'_>, notes: &mut Notes) -> Result<ChatRequest> {
    for (legacy, current) in [("functions", "tools"), ("function_call", "tool_choice")] {
        if body.get(legacy).is_some() {
            return Err(body
                .path()
                .field(legacy)
                .invalid(format_args!("is the form of 2023; send `{current}` instead")));
        }
    }
    let model = body.required_text("model")?.to_owned();
    let request = ChatRequest {
        model,
        tools: client_tools::tools(body)?,
        tool_choice: client_tools::tool_choice(body, notes)?,
        parallel_tool_calls: body.flag("parallel_tool_calls")?,
        response_format: client_tools::response_format(body, notes)?,
        reasoning: reasoning(body, notes)?,
        parameters: parameters(body)?,
        stream: body.flag("stream")?.unwrap_or(false),
        include_usage: include_usage(body)?,
        ..ChatRequest::default()
    };
    let unknown = body.names().filter(|name| !INTERPRETED.contains(&name.as_str()));
    notes.uninterpreted.extend(unknown.cloned());
    Ok(request)
}

fn parameters(body: Object<'_>) -> Result<Parameters> {
    let choices = body.count("n")?;
    if choices == Some(0) {
        return Err(body.path().field("n").invalid("must be at least 1"));
    }
    Ok(Parameters {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        top_k: body.count("top_k")?,
        max_tokens: body.count("max_completion_tokens")?.or(body.count("max_tokens")?),
        stop: stop(body)?,
        seed: body.integer("seed")?,
        presence_penalty: body.number("presence_penalty")?,
        frequency_penalty: body.number("frequency_penalty")?,
        choices,
        logprobs: body.flag("logprobs")?,
        top_logprobs: body.count("top_logprobs")?,
        user: body.owned_text("user")?,
    })
}

fn stop(body: Object<'_>) -> Result<Vec<String>> {
    let path = body.path().field("stop");
    match body.get("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(value) => {
            let texts = path.array(value)?.iter().enumerate();
            texts.map(|(at, text)| Ok(path.index(at).text(text)?.to_owned())).collect()
        }
    }
}

fn include_usage(body: Object<'_>) -> Result<bool> {
    let Some(value) = body.get("stream_options") else { return Ok(false) };
    let path = body.path().field("stream_options");
    Ok(path.object(value)?.flag("include_usage")?.unwrap_or(false))
}

/// Stream options that Backstay does not write itself, for an upstream of this format.
fn remaining_stream_options(body: &mut Map<String, Value>) -> Option<Value> {
    let mut options = body.shift_remove("stream_options")?;
    let members = options.as_object_mut()?;
    members.shift_remove("include_usage");
    (!members.is_empty()).then_some(options)
}

/// `reasoning_effort`, and OpenRouter's `reasoning` object that says the same and more.
fn reasoning(body: Object<'_>, notes: &mut Notes) -> Result<Option<Reasoning>> {
    let effort = body.owned_text("reasoning_effort")?;
    let Some(value) = body.get("reasoning") else {
        return Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }));
    };
    let path = body.path().field("reasoning");
    let members = path.object(value)?;
    let inner = members.owned_text("effort")?;
    if let (Some(inner), Some(outer)) = (&inner, &effort)
        && inner != outer
    {
        let what =
            format_args!("says {inner:?} but `reasoning_effort` says {outer:?}; send one of them");
        return Err(path.field("effort").invalid(what));
    }
    let unknown = members
        .names()
        .filter(|name| !["effort", "max_tokens", "enabled"].contains(&name.as_str()));
    notes.uninterpreted.extend(unknown.map(|name| format!("reasoning.{name}")));
    Ok(Some(Reasoning {
        effort: inner.or(effort),
        budget_tokens: members.count("max_tokens")?,
        enabled: members.flag("enabled")?,
    }))
}
