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

/// # Errors
/// `InvalidRequest` with the path of the field that is at fault.
pub(crate) fn decode_request(
    mut body: Map<String, Value>,
    routing: RoutingPreferences,
) -> Result<Decoded> {
    let object = Object::new(&body, &Path::Root);
    let prompt = prompt(object)?;
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
    body.insert("messages".to_owned(), json!([{"role": "user", "content": prompt}]));
    let request = openai_chat::decode_request(body)?;
    let request = ChatRequest { untranslated: lost, routing, ..request };
    let mut fields = Map::new();
    if echo {
        fields.insert("prompt".to_owned(), Value::from(prompt));
    }
    Ok(Decoded {
        echo: ResponseEcho { fields, encrypted_reasoning: false },
        ..Decoded::of(request)
    })
}

/// A text, or an array of one.
fn prompt(body: Object<'_>) -> Result<String> {
    let path = body.path().field("prompt");
    match body.get("prompt") {
        None => Err(path.invalid("is required")),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Array(items)) => match items.as_slice() {
            [Value::String(text)] => Ok(text.clone()),
            [Value::String(_), ..] => {
                Err(path.invalid("has several texts; send one call for each of them"))
            }
            [] => Err(path.invalid("is empty")),
            _ => Err(path
                .invalid("must be text; tokens have a meaning only to the model that made them")),
        },
        Some(other) => Err(path.wrong_type("a string or an array of one", other)),
    }
}
