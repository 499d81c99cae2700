//! A client's request body to the neutral request.

use backstay_core::{Result, RoutingPreferences, chat::ChatRequest};
use serde_json::{Map, Value, json};

use crate::{
    Decoded, ResponseEcho,
    fields::{Object, Path},
    openai_chat,
};

/// What has no counterpart in chat.
const WITHOUT_COUNTERPART: [&str; 2] = ["suffix", "best_of"];

/// Prompts in one call; each is a call of the model's.
const PROMPTS_MAX: usize = 20;

/// # Errors
/// `InvalidRequest` and `UnsupportedContent` with the path of the field that is at fault.
pub(crate) fn decode_request(
    mut body: Map<String, Value>,
    routing: &RoutingPreferences,
) -> Result<Decoded> {
    let object = Object::new(&body, &Path::Root);
    let (first, others) = prompts(object)?;
    if !others.is_empty() && object.flag("stream")? == Some(true) {
        let what = "cannot be set for several prompts; send one call for each of them";
        return Err(object.path().field("stream").invalid(what));
    }
    let tokens = object.count("logprobs")?;
    let echo = object.flag("echo")?.unwrap_or(false);
    let lost: Vec<String> = WITHOUT_COUNTERPART
        .into_iter()
        .filter(|name| object.get(name).is_some_and(|value| *value != 1))
        .map(str::to_owned)
        .collect();
    for name in ["prompt", "logprobs", "echo"].into_iter().chain(WITHOUT_COUNTERPART) {
        body.shift_remove(name);
    }
    if let Some(tokens) = tokens {
        body.insert("logprobs".to_owned(), Value::Bool(true));
        body.insert("top_logprobs".to_owned(), Value::from(tokens));
    }
    let decode = |prompt: String| {
        let mut body = body.clone();
        body.insert("messages".to_owned(), json!([{"role": "user", "content": prompt}]));
        let request = openai_chat::decode_request(body)?;
        let request =
            ChatRequest { untranslated: lost.clone(), routing: routing.clone(), ..request };
        let mut fields = Map::new();
        if echo {
            fields.insert("prompt".to_owned(), Value::from(prompt));
        }
        let echo = ResponseEcho { fields, encrypted_reasoning: false };
        Ok(Decoded { echo, ..Decoded::of(request) })
    };
    let first = decode(first)?;
    let others = others.into_iter().map(decode).collect::<Result<_>>()?;
    Ok(Decoded { others, ..first })
}

/// A text, or an array of texts: the first and the others.
fn prompts(body: Object<'_>) -> Result<(String, Vec<String>)> {
    let path = body.path().field("prompt");
    let items = match body.get("prompt") {
        None => return Err(path.invalid("is required")),
        Some(Value::String(text)) => return Ok((text.clone(), Vec::new())),
        Some(Value::Array(items)) if items.len() > PROMPTS_MAX => {
            return Err(path.invalid(format_args!("has more than {PROMPTS_MAX} texts")));
        }
        Some(Value::Array(items)) => items,
        Some(other) => return Err(path.wrong_type("a string or an array of them", other)),
    };
    let text = |item: &Value| {
        item.as_str().map(str::to_owned).ok_or_else(|| {
            path.invalid("must be text; tokens have a meaning only to the model that made them")
        })
    };
    let Some((first, others)) = items.split_first() else { return Err(path.invalid("is empty")) };
    Ok((text(first)?, others.iter().map(text).collect::<Result<_>>()?))
}
