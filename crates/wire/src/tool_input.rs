//! The input of a tool call: an object in the formats of Anthropic and Bedrock, text as the model
//! wrote it in others.

use serde_json::{Map, Value, json};

/// Holds arguments that are no JSON object, so that nothing a model wrote is lost.
const UNREADABLE: &str = "_raw";

/// No text is an empty object; text that is no JSON object becomes `{"_raw": text}`.
pub(crate) fn from_text(arguments: &str) -> Value {
    if arguments.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(arguments) {
        Ok(Value::Object(members)) => Value::Object(members),
        _ => json!({UNREADABLE: arguments}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_no_object_are_wrapped_in_one() {
        assert_eq!(from_text(r#"{"a": 1}"#), json!({"a": 1}));
        assert_eq!(from_text(" "), json!({}));
        assert_eq!(from_text("{\"a\":"), json!({"_raw": "{\"a\":"}));
        assert_eq!(from_text("[1]"), json!({"_raw": "[1]"}));
    }
}
