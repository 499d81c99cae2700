//! Reading what providers really send: a field of an unexpected type reads as absent instead of
//! making the whole answer unreadable.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value},
};
use serde_json::Value;

/// A string, borrowed where it has no escapes. A number reads as its digits.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

/// A whole number of at least zero; digits in a string count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count(pub(crate) Option<u64>);

/// JSON that should arrive as text but from some servers arrives as the value itself.
#[derive(Debug, Default)]
pub(crate) struct JsonText<'a>(Option<Cow<'a, str>>);

/// A string, or the array of parts that some servers send in its place.
#[derive(Debug, Default)]
pub(crate) enum Content<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Parts(Vec<Value>),
}

impl<'a> Text<'a> {
    /// `None` when absent or empty: servers write both for "nothing".
    pub(crate) fn filled(self) -> Option<Cow<'a, str>> {
        self.0.filter(|text| !text.is_empty())
    }
}

impl<'a> JsonText<'a> {
    pub(crate) fn filled(self) -> Option<Cow<'a, str>> {
        self.0.filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match deserializer.deserialize_any(AnyVisitor { keep_values: false })? {
            Any::Text(text) => Some(text),
            Any::Whole(number) => Some(Cow::Owned(number.to_string())),
            Any::Float(_) | Any::Value(_) | Any::Other => None,
        };
        Ok(Self(text))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = match deserializer.deserialize_any(AnyVisitor { keep_values: false })? {
            Any::Whole(number) => u64::try_from(number).ok(),
            Any::Float(number) if (0.0..9.0e15).contains(&number) => Some(number as u64),
            Any::Text(text) => text.parse().ok(),
            Any::Float(_) | Any::Value(_) | Any::Other => None,
        };
        Ok(Self(count))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match deserializer.deserialize_any(AnyVisitor { keep_values: true })? {
            Any::Text(text) => Some(text),
            Any::Value(value) => Some(Cow::Owned(value.to_string())),
            Any::Whole(_) | Any::Float(_) | Any::Other => None,
        };
        Ok(Self(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match deserializer.deserialize_any(AnyVisitor { keep_values: true })? {
            Any::Text(text) => Self::Text(text),
            Any::Value(Value::Array(parts)) => Self::Parts(parts),
            Any::Value(_) | Any::Whole(_) | Any::Float(_) | Any::Other => Self::Absent,
        })
    }
}

enum Any<'a> {
    Text(Cow<'a, str>),
    Whole(i128),
    Float(f64),
    /// An array or object, where the caller keeps them.
    Value(Value),
    Other,
}

struct AnyVisitor {
    keep_values: bool,
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Any<'de>, E> {
        Ok(Any::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Any<'de>, E> {
        Ok(Any::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Any<'de>, E> {
        Ok(Any::Text(Cow::Owned(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Any<'de>, E> {
        Ok(Any::Whole(i128::from(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Any<'de>, E> {
        Ok(Any::Whole(i128::from(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Any<'de>, E> {
        Ok(Any::Float(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Any<'de>, E> {
        Ok(Any::Other)
    }

    fn visit_unit<E>(self) -> Result<Any<'de>, E> {
        Ok(Any::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any<'de>, A::Error> {
        if self.keep_values {
            return Value::deserialize(value::SeqAccessDeserializer::new(items)).map(Any::Value);
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Any::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Any<'de>, A::Error> {
        if self.keep_values {
            return Value::deserialize(value::MapAccessDeserializer::new(members)).map(Any::Value);
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Any::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_type_is_absent_and_the_rest_is_read() {
        #[derive(Deserialize)]
        struct Reply<'a> {
            #[serde(borrow)]
            id: Text<'a>,
            index: Count,
            #[serde(borrow)]
            arguments: JsonText<'a>,
            #[serde(borrow)]
            content: Content<'a>,
        }
        let read = |json: &'static str| serde_json::from_str::<Reply<'_>>(json).unwrap();
        let odd = read(r#"{"id":7,"index":"2","arguments":{"a":[1]},"content":[{"type":"text"}]}"#);
        assert_eq!(odd.id.filled().as_deref(), Some("7"));
        assert_eq!(odd.index.0, Some(2));
        assert_eq!(odd.arguments.filled().as_deref(), Some(r#"{"a":[1]}"#));
        assert!(matches!(odd.content, Content::Parts(parts) if parts.len() == 1));
        let odder = read(r#"{"id":{"a":1},"index":-1,"arguments":null,"content":{"x":[]}}"#);
        assert_eq!(odder.id.filled(), None);
        assert_eq!(odder.index.0, None);
        assert_eq!(odder.arguments.filled(), None);
        assert!(matches!(odder.content, Content::Absent));
    }
}
