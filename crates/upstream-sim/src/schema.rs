//! Makes a JSON value that is valid for a JSON Schema, filled with words of the user's text.

use serde_json::{Map, Number, Value, json};

/// How deep a value may nest before optional parts are left out and the rest becomes `null`.
const MAX_DEPTH: usize = 12;
/// How many items an array gets at most, whatever its `minItems`.
const MAX_ITEMS: u64 = 32;

/// Words and numbers that values are taken from, in turn.
#[derive(Debug)]
pub(crate) struct Material {
    words: Vec<String>,
    number: Option<i64>,
    next_word: usize,
}

impl Material {
    /// Reads capitalised words (names, most likely) and the first number of a text. A capitalised
    /// first word of a sentence counts only when there is no other.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut names = Vec::new();
        let mut openers = Vec::new();
        let mut plain = Vec::new();
        let mut number = None;
        let mut sentence_start = true;
        for raw in text.split_whitespace() {
            let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
            if let Ok(value) = word.parse::<i64>() {
                number = number.or(Some(value));
            } else if word.chars().next().is_some_and(char::is_uppercase) {
                let list = if sentence_start { &mut openers } else { &mut names };
                list.push(word.to_owned());
            } else if !word.is_empty() {
                plain.push(word.to_owned());
            }
            sentence_start = raw.ends_with(['.', '!', '?', ':']);
        }
        let mut words = names;
        if words.is_empty() {
            words = openers;
        }
        if words.is_empty() {
            words.extend(plain.pop());
        }
        Self { words, number, next_word: 0 }
    }

    /// Moves on, so that the next value (of a second, parallel tool call, say) takes another word.
    pub(crate) fn start_at(&mut self, word: usize) {
        self.next_word = word;
    }

    fn word(&mut self) -> String {
        if self.words.is_empty() {
            return "sample".to_owned();
        }
        let word = self.words.get(self.next_word % self.words.len()).cloned().unwrap_or_default();
        self.next_word += 1;
        word
    }
}

/// A value for a schema. Understands `type`, `properties`, `required`, `items`, `enum`, `const`,
/// `anyOf`/`oneOf`/`allOf`, `$ref` into the same document, bounds of numbers, strings and arrays,
/// and the common `format`s; Gemini's upper-case type names too. Where `required` is absent every
/// property is filled.
pub(crate) fn sample(schema: &Value, material: &mut Material) -> Value {
    value(schema, schema, material, 0)
}

fn value(schema: &Value, root: &Value, material: &mut Material, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return found.map_or(Value::Null, |target| value(target, root, material, depth + 1));
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(branch) = schema.get(keyword).and_then(|all| all.get(0)) {
            return value(branch, root, material, depth + 1);
        }
    }
    match type_name(schema).as_str() {
        "object" => object(schema, root, material, depth),
        "array" => array(schema, root, material, depth),
        "integer" => json!(integer(schema, material)),
        "number" => Number::from_f64(bounded(schema, material.number.unwrap_or(1) as f64))
            .map_or(Value::Null, Value::Number),
        "boolean" => Value::Bool(true),
        "null" => Value::Null,
        _ => Value::String(string(schema, material)),
    }
}

fn type_name(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null")
        }
        _ => None,
    };
    match named {
        Some(name) => name.to_ascii_lowercase(),
        None if schema.get("properties").is_some() => "object".to_owned(),
        None if schema.get("items").is_some() => "array".to_owned(),
        None => "string".to_owned(),
    }
}

fn object(schema: &Value, root: &Value, material: &mut Material, depth: usize) -> Value {
    let mut object = Map::new();
    let required = schema.get("required").and_then(Value::as_array);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Value::Object(object);
    };
    for (name, property) in properties {
        let wanted = required.is_none_or(|all| all.iter().any(|one| one == name));
        if wanted {
            object.insert(name.clone(), value(property, root, material, depth + 1));
        }
    }
    Value::Object(object)
}

fn array(schema: &Value, root: &Value, material: &mut Material, depth: usize) -> Value {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, MAX_ITEMS);
    let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(least);
    let text = json!({"type": "string"});
    let items = schema.get("items").unwrap_or(&text);
    (0..least.min(most)).map(|_| value(items, root, material, depth + 1)).collect()
}

fn integer(schema: &Value, material: &Material) -> i64 {
    bounded(schema, material.number.unwrap_or(1) as f64) as i64
}

fn bounded(schema: &Value, wanted: f64) -> f64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let least = bound("minimum").or(bound("exclusiveMinimum").map(|least| least + 1.0));
    let most = bound("maximum").or(bound("exclusiveMaximum").map(|most| most - 1.0));
    let raised = least.map_or(wanted, |least| wanted.max(least));
    most.map_or(raised, |most| raised.min(most))
}

fn string(schema: &Value, material: &mut Material) -> String {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => return "2024-03-05".to_owned(),
        Some("date-time") => return "2024-03-05T12:00:00Z".to_owned(),
        Some("time") => return "12:00:00Z".to_owned(),
        Some("email") => return "anna@example.com".to_owned(),
        Some("uri") => return "https://example.com/".to_owned(),
        Some("uuid") => return "00000000-0000-4000-8000-000000000000".to_owned(),
        _ => {}
    }
    let mut text = material.word();
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(10_000);
    while (text.chars().count() as u64) < least {
        text.push('x');
    }
    match schema.get("maxLength").and_then(Value::as_u64) {
        Some(most) => text.chars().take(most.try_into().unwrap_or(usize::MAX)).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_properties_are_filled_by_type_with_words_of_the_text() {
        let schema = json!({
            "type": "object",
            "required": ["city", "days", "unit", "tags", "near"],
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "maximum": 7},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "string"}},
                "near": {"$ref": "#/$defs/place"},
                "note": {"type": "string"}
            },
            "$defs": {"place": {"type": ["object", "null"], "properties": {"ok": {"type": "boolean"}}}}
        });
        let mut material = Material::from_text("What is the weather in Oslo and Paris for 9 days?");
        assert_eq!(
            sample(&schema, &mut material),
            json!({
                "city": "Oslo", "days": 7, "unit": "celsius", "tags": ["Paris", "Oslo"],
                "near": {"ok": true}
            })
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({
            "type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]
        });
        assert!(sample(&schema, &mut Material::from_text("")).is_object());
    }
}
