//! Function calls and what they return, as this format writes them.

use backstay_core::chat::ToolCall;
use serde_json::{Map, Value, json};

use super::model_generation::ModelGeneration;

const NAME_CHARACTERS_MAX: usize = 64;
/// Holds arguments that are no JSON object, so that nothing a model wrote is lost.
const UNREADABLE: &str = "_raw";
/// What stands in for the signature of a call that another model made, or whose signature the
/// client did not keep. Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
const SIGNATURE_WAIVER: &str = "skip_thought_signature_validator";

/// A name of letters, digits and `_.:-`, beginning with a letter or underscore, of at most 64
/// characters. Other characters become underscores.
pub(super) fn function_name(name: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_.:-".contains(character);
    let mut written: String =
        name.chars().map(|character| if allowed(character) { character } else { '_' }).collect();
    if !written.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        written.insert(0, '_');
    }
    written.truncate(NAME_CHARACTERS_MAX);
    written
}

pub(super) fn call(call: &ToolCall) -> Value {
    let mut function = json!({
        "name": function_name(&call.name),
        "args": arguments(&call.arguments),
    });
    if !call.id.is_empty() {
        function["id"] = Value::from(call.id.as_str());
    }
    let mut part = json!({"functionCall": function});
    if let Some(signature) = &call.signature {
        part["thoughtSignature"] = Value::from(signature.as_str());
    }
    part
}

/// Of the calls of one message the first carries the signature.
pub(super) fn sign_first(parts: &mut [Value], generation: ModelGeneration) {
    let is_call = |part: &&mut Value| part.get("functionCall").is_some();
    let Some(first) = parts.iter_mut().find(is_call) else { return };
    if generation.wants_signatures() && first.get("thoughtSignature").is_none() {
        first["thoughtSignature"] = Value::from(SIGNATURE_WAIVER);
    }
}

/// No text is an empty object; text that is no JSON object becomes `{"_raw": text}`.
fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Value::Object(members),
        _ => json!({UNREADABLE: text}),
    }
}

/// What a function returned has to be an object: a JSON object is sent as it is, anything else
/// under the member that the interface reads as the function's output, or its error.
pub(super) fn response(call_id: &str, name: &str, text: &str, is_error: bool) -> Value {
    let response = match serde_json::from_str(text) {
        _ if is_error => json!({"error": text}),
        Ok(Value::Object(members)) => Value::Object(members),
        _ => json!({"output": text}),
    };
    let mut function = json!({"name": function_name(name), "response": response});
    if !call_id.is_empty() {
        function["id"] = Value::from(call_id);
    }
    json!({"functionResponse": function})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_rule() {
        assert_eq!(function_name("get weather/now"), "get_weather_now");
        assert_eq!(function_name("1st"), "_1st");
        assert_eq!(function_name(""), "_");
        assert_eq!(function_name(&"x".repeat(100)).len(), 64);
        assert_eq!(function_name("ns.f:1-a"), "ns.f:1-a");
    }

    #[test]
    fn every_result_is_an_object() {
        let returned = |text, is_error| {
            response("c", "f", text, is_error)["functionResponse"]["response"].take()
        };
        assert_eq!(returned("{\"a\":1}", false), json!({"a": 1}));
        assert_eq!(returned("[1]", false), json!({"output": "[1]"}));
        assert_eq!(returned("21 °C", false), json!({"output": "21 °C"}));
        assert_eq!(returned("{\"a\":1}", true), json!({"error": "{\"a\":1}"}));
    }
}
