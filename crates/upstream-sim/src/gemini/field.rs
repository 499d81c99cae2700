//! Fields in Google's JSON: camelCase or snake_case, and never an unknown one.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// A field by its camelCase name, also where it was written in snake_case.
pub(crate) fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.get(&snake_case(name))).filter(|value| !value.is_null())
}

/// Reads a value as an object whose fields are all known. `place` is its path, empty at the top.
pub(crate) fn object<'a>(
    place: &str,
    value: &'a Value,
    known: &[&str],
) -> Result<&'a Map<String, Value>, Failure> {
    let object = value.as_object().ok_or_else(|| {
        let message = format!("Invalid value at '{}': expected an object.", snake_case(place));
        Failure::bad_field(snake_case(place), message)
    })?;
    check(place, object, known)?;
    Ok(object)
}

/// Refuses unknown fields.
pub(crate) fn check(
    place: &str,
    object: &Map<String, Value>,
    known: &[&str],
) -> Result<(), Failure> {
    let is_known = |name: &str| known.iter().any(|one| *one == name || snake_case(one) == name);
    match object.keys().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(unknown) => {
            let place = snake_case(place);
            let at = if place.is_empty() { String::new() } else { format!(" at '{place}'") };
            Err(Failure::bad_field(
                place,
                format!(
                    "Invalid JSON payload received. Unknown name \"{unknown}\"{at}: Cannot find \
                     field."
                ),
            ))
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_are_read_and_a_third_is_refused() {
        let value = json!({"system_instruction": 1, "toolConfig": 2, "extra_body": 3});
        let fields = value.as_object().unwrap();
        assert_eq!(get(fields, "systemInstruction"), Some(&json!(1)));
        assert_eq!(get(fields, "toolConfig"), Some(&json!(2)));
        let refused = check("", fields, &["systemInstruction", "toolConfig"]).unwrap_err();
        assert!(matches!(refused, Failure::BadRequest { message, .. }
            if message.contains("Unknown name \"extra_body\": Cannot find field.")));
    }
}
