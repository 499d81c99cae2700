//! A body's fields, whichever encoding they came in. Forms know only texts, and clients that write JSON
//! write some values as texts too: each reader takes both.

use backstay_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value};

/// Fields by name. Those that nobody reads are ignored, whatever they hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// An empty body has no fields.
    ///
    /// # Errors
    /// `invalid_json`, or `invalid_request` where it is no object.
    pub fn of_json(body: &[u8]) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(Value::Null) => Ok(Self::default()),
            Ok(_) => Err(Error::invalid("the request body must be a JSON object")),
            Err(cause) => {
                let message = format!("the request body is not JSON: {cause}");
                Err(Error::new(ErrorCode::InvalidJson, message))
            }
        }
    }

    /// Of a form; the last of several fields of a name counts.
    pub fn of_form(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(fields.into_iter().map(|(name, text)| (name, Value::String(text))).collect())
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text as it was written, be it empty; a number or truth value as its text.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// A text that says something.
    pub fn word(&self, name: &str) -> Result<Option<String>> {
        let text = self.text(name)?.map(|text| text.trim().to_owned());
        Ok(text.filter(|text| !text.is_empty() && text != "null" && text != "None"))
    }

    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        let Some(word) = self.word(name)? else { return Ok(None) };
        match word.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Some(true)),
            "false" | "0" | "no" | "off" => Ok(Some(false)),
            _ => Err(wrong(name, "true or false")),
        }
    }

    pub fn integer(&self, name: &str) -> Result<Option<u64>> {
        let Some(word) = self.word(name)? else { return Ok(None) };
        word.parse().map(Some).map_err(|_| wrong(name, "a whole number"))
    }

    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(word) = self.word(name)? else { return Ok(None) };
        let number = word.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| wrong(name, "a number"))
    }

    /// An object, also as JSON text.
    pub fn object(&self, name: &str) -> Result<Option<Map<String, Value>>> {
        match self.nested(name)? {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// A list, also as JSON text.
    pub fn array(&self, name: &str) -> Result<Option<Vec<Value>>> {
        match self.nested(name)? {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(wrong(name, "a list")),
        }
    }

    fn nested(&self, name: &str) -> Result<Option<Value>> {
        match self.get(name) {
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => {
                let read: Result<Value, _> = serde_json::from_str(text);
                let read = read.map_err(|cause| {
                    Error::invalid(format!("`{name}` is not JSON: {cause}")).with_parameter(name)
                })?;
                Ok(Some(read).filter(|value| !value.is_null()))
            }
            value => Ok(value.cloned()),
        }
    }
}

pub(super) fn wrong(name: &str, expected: &str) -> Error {
    Error::invalid(format!("`{name}` must be {expected}")).with_parameter(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_says_what_json_says() {
        let json = Fields::of_json(
            json!({"stream": true, "tok_k": 7, "metadata": {"a": [1]}, "tools": [], "none": null})
                .to_string()
                .as_bytes(),
        )
        .unwrap();
        let texts = [
            ("stream", "True"),
            ("tok_k", "7"),
            ("metadata", "{\"a\": [1]}"),
            ("tools", "[]"),
            ("none", ""),
        ];
        let form = Fields::of_form(texts.map(|(name, text)| (name.to_owned(), text.to_owned())));
        for fields in [json, form] {
            assert_eq!(fields.flag("stream").unwrap(), Some(true));
            assert_eq!(fields.integer("tok_k").unwrap(), Some(7));
            assert_eq!(fields.object("metadata").unwrap(), json!({"a": [1]}).as_object().cloned());
            assert_eq!(fields.array("tools").unwrap(), Some(Vec::new()));
            assert_eq!(fields.word("none").unwrap(), None);
            assert_eq!(fields.object("none").unwrap(), None);
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let fields = Fields::of_json(b"{\"stream\": \"maybe\", \"metadata\": \"{\"}").unwrap();
        for error in [fields.flag("stream").unwrap_err(), fields.object("metadata").unwrap_err()] {
            assert!(error.parameter().is_some(), "{error}");
        }
        assert!(Fields::of_json(b"[]").is_err() && Fields::of_json(b"{").is_err());
        assert_eq!(Fields::of_json(b" \n").unwrap(), Fields::default());
    }
}
