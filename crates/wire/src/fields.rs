//! Reading a client's JSON with errors that name the place: `messages[2].content[0].type`.

use backstay_core::{Error, Result};
use serde_json::{Map, Value};

/// Where a value stands in the body. Costs nothing until an error is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(crate) fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    pub(crate) fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }

    /// An error about this place; `what` continues a sentence that begins with the place's name.
    pub(crate) fn invalid(&self, what: impl std::fmt::Display) -> Error {
        Error::invalid(format!("`{self}` {what}")).with_parameter(self.to_string())
    }

    pub(crate) fn wrong_type(&self, expected: &str, found: &Value) -> Error {
        self.invalid(format_args!("must be {expected}, not {}", kind(found)))
    }

    pub(crate) fn text<'v>(&self, value: &'v Value) -> Result<&'v str> {
        value.as_str().ok_or_else(|| self.wrong_type("a string", value))
    }

    pub(crate) fn array<'v>(&self, value: &'v Value) -> Result<&'v [Value]> {
        value.as_array().map(Vec::as_slice).ok_or_else(|| self.wrong_type("an array", value))
    }

    pub(crate) fn object<'v>(&'v self, value: &'v Value) -> Result<Object<'v>> {
        match value {
            Value::Object(members) => Ok(Object { members, path: self }),
            _ => Err(self.wrong_type("an object", value)),
        }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("body"),
            Self::Field(Path::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// An object and its place. A member that is null reads as absent, as every client SDK means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    members: &'a Map<String, Value>,
    path: &'a Path<'a>,
}

impl<'a> Object<'a> {
    pub(crate) fn new(members: &'a Map<String, Value>, path: &'a Path<'a>) -> Self {
        Self { members, path }
    }

    pub(crate) fn path(&self) -> &'a Path<'a> {
        self.path
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a String> {
        self.members.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.get(name).map(|value| self.path.field(name).text(value)).transpose()
    }

    pub(crate) fn required_text(&self, name: &str) -> Result<&'a str> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn owned_text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.read(name, "true or false", Value::as_bool)
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>> {
        self.read(name, "a number", Value::as_f64)
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.read(name, "an integer", Value::as_i64)
    }

    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>> {
        self.read(name, "a non-negative integer", Value::as_u64)
    }

    pub(crate) fn array(&self, name: &str) -> Result<Option<&'a [Value]>> {
        self.get(name).map(|value| self.path.field(name).array(value)).transpose()
    }

    pub(crate) fn missing(&self, name: &str) -> Error {
        self.path.field(name).invalid("is required")
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(self
                .path
                .field(name)
                .invalid(format_args!("must be {expected}, not {}", shown(value)))),
        }
    }
}

/// A wrong value itself when it is a number, which says more than its kind.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        _ => kind(value).to_owned(),
    }
}
