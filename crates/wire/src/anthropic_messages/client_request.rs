//! A client's request body to the neutral request.

use std::collections::HashMap;

use backstay_core::{
    Result, WireFormat,
    chat::{ChatRequest, Origin, Parameters, Reasoning, ResponseFormat},
};
use serde_json::{Map, Value};

use super::{client_message, client_tools};
use crate::fields::{Object, Path};

/// Fields that have a neutral meaning. All others are passed on to an upstream of this format and
/// reported when another format cannot take them.
const INTERPRETED: [&str; 15] = [
    "model",
    "messages",
    "system",
    "stream",
    "max_tokens",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
];
/// Not part of [`Origin::fields`], because the encoder writes them.
const REWRITTEN: [&str; 2] = ["model", "stream"];
/// The neutral form wants a name for a schema; this format has none.
const SCHEMA_NAME: &str = "output";

/// # Errors
/// `InvalidRequest` and `UnsupportedContent` with the path of the field that is at fault.
pub(crate) fn decode_request(mut body: Map<String, Value>) -> Result<ChatRequest> {
    let (messages, system) = (body.shift_remove("messages"), body.shift_remove("system"));
    let mut notes = Notes::default();
    let mut request = decode_fields(Object::new(&body, &Path::Root), &mut notes)?;
    request.messages = client_message::decode_all(system, messages, &mut notes)?;
    for name in REWRITTEN {
        body.shift_remove(name);
    }
    request.origin = Some(Origin {
        format: WireFormat::Anthropic,
        fields: body,
        uninterpreted: notes.uninterpreted,
    });
    Ok(request)
}

/// What is learnt on the way through a body.
#[derive(Default)]
pub(super) struct Notes {
    uninterpreted: Vec<String>,
    /// Tool names by call id, which later results refer to.
    pub(super) call_names: HashMap<String, String>,
}

impl Notes {
    /// Notes what only an upstream of this format can take.
    pub(super) fn uninterpreted(&mut self, name: impl Into<String>) {
        let name = name.into();
        if !self.uninterpreted.contains(&name) {
            self.uninterpreted.push(name);
        }
    }

    /// Notes every member of an object that is not in `known`. Marks for the prompt cache are many
    /// and alike: they are noted once, by their own name.
    pub(super) fn others(&mut self, members: Object<'_>, known: &[&str]) {
        for name in members.names().filter(|name| !known.contains(&name.as_str())) {
            match name.as_str() {
                "cache_control" => self.uninterpreted("cache_control"),
                name => self.uninterpreted(members.path().field(name).to_string()),
            }
        }
    }
}

fn decode_fields(body: Object<'_>, notes: &mut Notes) -> Result<ChatRequest> {
    let model = body.required_text("model")?.to_owned();
    let (tool_choice, parallel_tool_calls) = client_tools::tool_choice(body, notes)?;
    let request = ChatRequest {
        model,
        tools: client_tools::tools(body, notes)?,
        tool_choice,
        parallel_tool_calls,
        response_format: response_format(body, notes)?,
        reasoning: reasoning(body, notes)?,
        parameters: parameters(body, notes)?,
        stream: body.flag("stream")?.unwrap_or(false),
        include_usage: true,
        ..ChatRequest::default()
    };
    notes.others(body, &INTERPRETED);
    Ok(request)
}

fn parameters(body: Object<'_>, notes: &mut Notes) -> Result<Parameters> {
    let path = body.path().field("max_tokens");
    let max_tokens = body.count("max_tokens")?.ok_or_else(|| {
        path.invalid("is required: how many tokens the answer may have at most, for example 1024")
    })?;
    if max_tokens == 0 {
        return Err(path.invalid("must be at least 1"));
    }
    let stops = body.array("stop_sequences")?.unwrap_or_default().iter().enumerate();
    let path = body.path().field("stop_sequences");
    let stop = stops.map(|(at, text)| Ok(path.index(at).text(text)?.to_owned()));
    Ok(Parameters {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        top_k: body.count("top_k")?,
        max_tokens: Some(max_tokens),
        stop: stop.collect::<Result<_>>()?,
        user: user(body, notes)?,
        ..Parameters::default()
    })
}

fn user(body: Object<'_>, notes: &mut Notes) -> Result<Option<String>> {
    let Some(metadata) = body.get("metadata") else { return Ok(None) };
    let path = body.path().field("metadata");
    let metadata = path.object(metadata)?;
    notes.others(metadata, &["user_id"]);
    metadata.owned_text("user_id")
}

/// `thinking` and `output_config.effort`.
fn reasoning(body: Object<'_>, notes: &mut Notes) -> Result<Option<Reasoning>> {
    let mut reasoning = Reasoning::default();
    if let Some(value) = body.get("thinking") {
        let path = body.path().field("thinking");
        let thinking = path.object(value)?;
        match thinking.required_text("type")? {
            "enabled" => {
                reasoning.enabled = Some(true);
                let budget = thinking.count("budget_tokens")?;
                reasoning.budget_tokens =
                    Some(budget.ok_or_else(|| thinking.missing("budget_tokens"))?);
            }
            "adaptive" => reasoning.enabled = Some(true),
            "disabled" => reasoning.enabled = Some(false),
            other => {
                let what = format_args!("must be enabled, adaptive or disabled, not {other:?}");
                return Err(path.field("type").invalid(what));
            }
        }
        notes.others(thinking, &["type", "budget_tokens"]);
    }
    if let Some(value) = body.get("output_config") {
        let path = body.path().field("output_config");
        let config = path.object(value)?;
        reasoning.effort = config.owned_text("effort")?;
        notes.others(config, &["effort", "format"]);
    }
    Ok((reasoning != Reasoning::default()).then_some(reasoning))
}

/// `output_config.format`, and the `output_format` of the time before it.
fn response_format(body: Object<'_>, notes: &mut Notes) -> Result<Option<ResponseFormat>> {
    if let Some(value) = body.get("output_config") {
        let path = body.path().field("output_config");
        if let Some(format) = path.object(value)?.get("format") {
            return schema_format(&path.field("format"), format, notes);
        }
    }
    let Some(format) = body.get("output_format") else { return Ok(None) };
    schema_format(&body.path().field("output_format"), format, notes)
}

fn schema_format(
    path: &Path<'_>,
    value: &Value,
    notes: &mut Notes,
) -> Result<Option<ResponseFormat>> {
    let format = path.object(value)?;
    if format.required_text("type")? != "json_schema" {
        notes.uninterpreted(path.to_string());
        return Ok(None);
    }
    Ok(Some(ResponseFormat::JsonSchema {
        name: format.owned_text("name")?.unwrap_or_else(|| SCHEMA_NAME.to_owned()),
        description: None,
        schema: format.get("schema").cloned().ok_or_else(|| format.missing("schema"))?,
        strict: Some(true),
    }))
}
