//! A client's request body to the neutral request.

use backstay_core::{
    Error, ErrorCode, Result, RoutingPreferences,
    chat::{ChatRequest, Message, Parameters, Reasoning, ResponseFormat, Role},
};
use serde_json::{Map, Value, json};

use super::{input, tools};
use crate::{
    Decoded, ResponseEcho, Stateful,
    fields::{Object, Path},
};

/// Fields that have a meaning here. All others are reported as dropped.
const KNOWN: [&str; 24] = [
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "temperature",
    "top_p",
    "top_logprobs",
    "max_output_tokens",
    "metadata",
    "truncation",
    "store",
    "previous_response_id",
    "include",
    "user",
    "background",
    "conversation",
    "prompt_cache_key",
    "safety_identifier",
];
/// What an answer repeats of its request, with what stands there where the request is silent.
const ECHOED: [(&str, &str); 14] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("safety_identifier", "null"),
    ("store", "true"),
    ("temperature", "null"),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

/// # Errors
/// `InvalidRequest` and `UnsupportedContent` with the path of the field that is at fault.
pub(crate) fn decode_request(
    body: &Map<String, Value>,
    routing: RoutingPreferences,
) -> Result<Decoded> {
    let object = Object::new(body, &Path::Root);
    refuse_what_is_not_offered(object)?;
    let mut lost: Vec<String> =
        object.names().filter(|name| !KNOWN.contains(&name.as_str())).cloned().collect();
    let (response_format, verbosity) = text(object)?;
    if verbosity.is_some() {
        lost.push("text.verbosity".to_owned());
    }
    let mut messages = Vec::new();
    if let Some(instructions) = object.text("instructions")? {
        messages.push(Message::text_of(Role::System, instructions));
    }
    let items = input::items(object)?;
    messages.extend(input::messages(&items, &mut lost)?);
    let request = ChatRequest {
        model: object.required_text("model")?.to_owned(),
        messages,
        tools: tools::tools(object, &mut lost)?,
        tool_choice: tools::choice(object, &mut lost)?,
        parallel_tool_calls: object.flag("parallel_tool_calls")?,
        response_format,
        reasoning: reasoning(object)?,
        parameters: parameters(object)?,
        stream: object.flag("stream")?.unwrap_or(false),
        include_usage: true,
        untranslated: lost,
        routing,
        ..ChatRequest::default()
    };
    let stateful = Stateful {
        store: object.flag("store")?.unwrap_or(true),
        previous: object.owned_text("previous_response_id")?,
        input: items,
    };
    Ok(Decoded { echo: echo(object)?, stateful: Some(stateful), ..Decoded::of(request) })
}

fn refuse_what_is_not_offered(body: Object<'_>) -> Result<()> {
    let refuse = |name: &str, instead: &str| {
        Error::new(ErrorCode::InvalidRequest, format!("`{name}` is not offered here; {instead}"))
            .with_parameter(name)
    };
    if body.flag("background")? == Some(true) {
        return Err(refuse("background", "leave it out and stream the answer"));
    }
    if body.get("conversation").is_some() {
        return Err(refuse("conversation", "go on from an answer with `previous_response_id`"));
    }
    Ok(())
}

fn parameters(body: Object<'_>) -> Result<Parameters> {
    let wants_logprobs = body
        .array("include")?
        .unwrap_or_default()
        .iter()
        .any(|value| value == "message.output_text.logprobs");
    Ok(Parameters {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        max_tokens: body.count("max_output_tokens")?,
        logprobs: wants_logprobs.then_some(true),
        top_logprobs: body.count("top_logprobs")?.filter(|_| wants_logprobs),
        user: body.owned_text("user")?,
        ..Parameters::default()
    })
}

fn reasoning(body: Object<'_>) -> Result<Option<Reasoning>> {
    let Some(value) = body.get("reasoning") else { return Ok(None) };
    let path = body.path().field("reasoning");
    let effort = path.object(value)?.owned_text("effort")?;
    // A wish for a summary alone asks for no thinking.
    Ok(effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }))
}

/// `text.format` and `text.verbosity`.
fn text(body: Object<'_>) -> Result<(Option<ResponseFormat>, Option<String>)> {
    let Some(value) = body.get("text") else { return Ok((None, None)) };
    let path = body.path().field("text");
    let members = path.object(value)?;
    let verbosity = members.owned_text("verbosity")?;
    let Some(format) = members.get("format") else { return Ok((None, verbosity)) };
    let path = path.field("format");
    let format = path.object(format)?;
    let format = match format.required_text("type")? {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => ResponseFormat::JsonSchema {
            name: format.required_text("name")?.to_owned(),
            description: format.owned_text("description")?,
            schema: format.get("schema").cloned().unwrap_or_else(|| json!({})),
            strict: format.flag("strict")?,
        },
        other => {
            let what = format_args!("must be text, json_object or json_schema, not {other:?}");
            return Err(path.field("type").invalid(what));
        }
    };
    Ok((Some(format), verbosity))
}

fn echo(body: Object<'_>) -> Result<ResponseEcho> {
    let mut echo = Map::new();
    for (name, otherwise) in ECHOED {
        let default = serde_json::from_str(otherwise).unwrap_or_default();
        echo.insert(name.to_owned(), body.get(name).cloned().unwrap_or(default));
    }
    let member = |name: &str, inner: &str| {
        body.get(name).and_then(|value| value.get(inner)).cloned().unwrap_or(Value::Null)
    };
    let format = match member("text", "format") {
        Value::Null => json!({"type": "text"}),
        format => format,
    };
    echo.insert("text".to_owned(), json!({"format": format}));
    let reasoning = json!({"effort": member("reasoning", "effort"),
        "summary": member("reasoning", "summary")});
    echo.insert("reasoning".to_owned(), reasoning);
    let include = body.array("include")?.unwrap_or_default();
    let encrypted_reasoning = include.iter().any(|value| value == "reasoning.encrypted_content");
    Ok(ResponseEcho { fields: echo, encrypted_reasoning })
}
