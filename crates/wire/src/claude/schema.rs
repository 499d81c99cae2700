//! JSON Schemas of answers, fitted to what Claude takes for structured output.
//!
//! Source: <https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs>, "JSON Schema
//! limitations": objects must be closed, and limits on values are refused.

use serde_json::{Map, Value};

/// Limits on values that the interface refuses.
const REFUSED: [&str; 11] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];
/// Keywords whose members are schemas under names of the author's choice.
const NAMED_SCHEMAS: [&str; 3] = ["properties", "$defs", "definitions"];
/// Schemas nested deeper than this are left as they are; the provider judges them.
const DEPTH_MAX: usize = 64;

/// Closes every object and removes what is refused. Gives the keywords that were removed.
pub(crate) fn fit_schema(schema: &mut Value) -> Vec<String> {
    let mut removed = Vec::new();
    fit_at(schema, DEPTH_MAX, &mut removed);
    removed
}

fn fit_at(schema: &mut Value, depth_left: usize, removed: &mut Vec<String>) {
    if depth_left == 0 {
        return;
    }
    match schema {
        Value::Object(members) => fit_object(members, depth_left, removed),
        Value::Array(schemas) => {
            schemas.iter_mut().for_each(|schema| fit_at(schema, depth_left - 1, removed));
        }
        _ => {}
    }
}

fn fit_object(members: &mut Map<String, Value>, depth_left: usize, removed: &mut Vec<String>) {
    for keyword in REFUSED {
        if members.shift_remove(keyword).is_some() {
            removed.push(keyword.to_owned());
        }
    }
    if members.get("minItems").and_then(Value::as_u64).is_some_and(|least| least > 1) {
        members.insert("minItems".to_owned(), Value::from(1));
        removed.push("minItems".to_owned());
    }
    let is_object = members.get("type").and_then(Value::as_str) == Some("object");
    if is_object || members.contains_key("properties") {
        members.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    for (keyword, value) in members {
        match value {
            Value::Object(named) if NAMED_SCHEMAS.contains(&keyword.as_str()) => {
                named.values_mut().for_each(|schema| fit_at(schema, depth_left - 1, removed));
            }
            _ if matches!(keyword.as_str(), "enum" | "const" | "default" | "examples") => {}
            schema => fit_at(schema, depth_left - 1, removed),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_closed_and_limits_removed_but_properties_of_those_names_stay() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "minimum": {"type": "integer", "minimum": 0},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "object", "properties": {}}},
                "kind": {"enum": [{"maximum": 1}]}
            }
        });
        assert_eq!(fit_schema(&mut schema), ["minimum", "minItems"]);
        assert_eq!(
            schema,
            json!({
                "type": "object",
                "properties": {
                    "minimum": {"type": "integer"},
                    "tags": {"type": "array", "minItems": 1, "items":
                        {"type": "object", "properties": {}, "additionalProperties": false}},
                    "kind": {"enum": [{"maximum": 1}]}
                },
                "additionalProperties": false
            })
        );
    }
}
