//! Reads and checks a generate-content request.

use serde_json::{Map, Value};

use super::{Extra, config, contents, field, tools};
use crate::failure::Failure;
use crate::prompt::{CachePolicy, Prompt, Speaker};
use crate::wire::Call;

/// Every field that the provider knows; others are refused.
const FIELDS: &[&str] = &[
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "serviceTier",
    "store",
];

pub(crate) fn read(call: &Call<'_>) -> Result<(Prompt, Extra), Failure> {
    let model = call.path_model.unwrap_or_default();
    let mut prompt = read_prompt(model, call.body)?;
    prompt.stream = call.path_stream;
    let settings = match field::get(call.body, "generationConfig") {
        Some(value) => config::read(value)?,
        None => config::Settings::default(),
    };
    prompt.max_tokens = settings.max_tokens;
    prompt.stop = settings.stop;
    prompt.answer_form = settings.answer_form;
    prompt.reasoning = settings.reasoning;
    let sse = call.query.split('&').any(|pair| pair == "alt=sse");
    Ok((prompt, Extra { id: call.id, include_thoughts: settings.include_thoughts, sse }))
}

/// The part of a request that is counted.
pub(crate) fn read_prompt(model: &str, body: &Map<String, Value>) -> Result<Prompt, Failure> {
    field::check("", body, FIELDS)?;
    let mut prompt = Prompt::new(model, CachePolicy::Automatic);
    if let Some(system) = field::get(body, "systemInstruction") {
        prompt.turns.push(contents::system(system)?);
    }
    let must_sign = model.starts_with("sim-think");
    prompt.turns.extend(contents::read(field::get(body, "contents"), must_sign)?);
    prompt.tools = tools::tools(field::get(body, "tools"))?;
    prompt.tool_choice = tools::choice(field::get(body, "toolConfig"), &prompt.tools)?;
    if !prompt.turns.iter().any(|turn| turn.speaker != Speaker::System) {
        return Err(Failure::bad_request(
            "* GenerateContentRequest.contents: contents is not specified\n",
        ));
    }
    Ok(prompt)
}
