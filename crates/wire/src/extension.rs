//! Backstay's own part of a request and of a reply: the `backstay` member and its headers.

use backstay_core::{
    Error, GenerationId, Money, Name, Result, ThreadId,
    memory::{MemoryMode, RecallFilter, Recalled},
};
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};

/// The request member and the reply member of this name hold what other servers do not know.
pub(crate) const MEMBER: &str = "backstay";
const ALLOWED: &str = "assistant, user, thread, memory, filter, cache";
/// Read by [`crate::CacheRequest`]. Alone it asks for no memory.
const CACHE: &str = "cache";

/// Whose memory a call uses and where its history is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestExtension {
    pub assistant: Option<Name>,
    pub user: Option<Name>,
    pub thread: Option<ThreadChoice>,
    pub memory: Option<MemoryMode>,
    /// Narrows what is recalled. Of the body only: no header holds an object.
    pub filter: RecallFilter,
    /// Of a thread's history only what was said in these calls; `None` is all of it. Never the
    /// client's to say.
    pub turns: Option<Vec<GenerationId>>,
    /// The thread is read and this turn is not kept in it. Never the client's to say.
    pub discard: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadChoice {
    /// Written as `"new"`.
    New,
    /// Written as `"incognito"`: a new thread of which nothing is remembered.
    Incognito,
    Existing(ThreadId),
}

/// The same settings as headers, for clients that cannot add a field to their body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionHeaders<'a> {
    /// `X-Backstay-Assistant`
    pub assistant: Option<&'a str>,
    /// `X-Backstay-User`
    pub user: Option<&'a str>,
    /// `X-Backstay-Thread`
    pub thread: Option<&'a str>,
    /// `X-Backstay-Memory`
    pub memory: Option<&'a str>,
}

impl RequestExtension {
    /// Reads the `backstay` member.
    ///
    /// # Errors
    /// `InvalidRequest` with the member's path, for unknown members with the names that exist.
    pub fn parse(value: &Value) -> Result<Self> {
        let Value::Object(members) = value else {
            let shape = format!("`{MEMBER}` must be an object with any of {ALLOWED}");
            return Err(Error::invalid(shape).with_parameter(MEMBER));
        };
        for name in members.keys() {
            if !ALLOWED.split(", ").any(|allowed| allowed == name) {
                return Err(Error::invalid(format!(
                    "`{MEMBER}` has no member `{name}`; it has {ALLOWED}"
                ))
                .with_parameter(format!("{MEMBER}.{name}")));
            }
        }
        let member = |name: &str| text_member(members, name);
        let named = Self::from_texts(
            [member("assistant")?, member("user")?, member("thread")?, member("memory")?],
            ["backstay.assistant", "backstay.user", "backstay.thread", "backstay.memory"],
        )?;
        Ok(Self { filter: filter(members.get("filter"))?, ..named })
    }

    /// The settings of a call: each from the body's member where it has one, else from its header.
    /// `None` when the client asked for none of it, and so must see none of it.
    ///
    /// # Errors
    /// `InvalidRequest` with the member's path or the header's name.
    pub fn merge(member: Option<&Value>, headers: ExtensionHeaders<'_>) -> Result<Option<Self>> {
        let member = member.filter(|value| !value.is_null() && !is_cache_alone(value));
        if member.is_none() && headers == ExtensionHeaders::default() {
            return Ok(None);
        }
        let from_body = member.map(Self::parse).transpose()?.unwrap_or_default();
        let from_headers = Self::from_texts(
            [headers.assistant, headers.user, headers.thread, headers.memory],
            ["X-Backstay-Assistant", "X-Backstay-User", "X-Backstay-Thread", "X-Backstay-Memory"],
        )?;
        Ok(Some(Self {
            assistant: from_body.assistant.or(from_headers.assistant),
            user: from_body.user.or(from_headers.user),
            thread: from_body.thread.or(from_headers.thread),
            memory: from_body.memory.or(from_headers.memory),
            filter: from_body.filter,
            ..Self::default()
        }))
    }

    /// `sources` are the names under which an error reports each text.
    fn from_texts(texts: [Option<&str>; 4], sources: [&str; 4]) -> Result<Self> {
        let [assistant, user, thread, memory] = texts;
        Ok(Self {
            assistant: assistant.map(|text| name(text, sources[0])).transpose()?,
            user: user.map(|text| name(text, sources[1])).transpose()?,
            thread: thread.map(|text| thread_choice(text, sources[2])).transpose()?,
            memory: memory.map(|text| memory_mode(text, sources[3])).transpose()?,
            ..Self::default()
        })
    }
}

fn is_cache_alone(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.len() == 1 && members.contains_key(CACHE))
}

fn text_member<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid(format!("`{MEMBER}.{name}` must be a string"))
            .with_parameter(format!("{MEMBER}.{name}"))),
    }
}

fn filter(value: Option<&Value>) -> Result<RecallFilter> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(RecallFilter::default());
    };
    RecallFilter::deserialize(value).map_err(|cause| {
        Error::invalid(format!("`{MEMBER}.filter` is not a filter: {cause}"))
            .with_parameter(format!("{MEMBER}.filter"))
    })
}

fn name(text: &str, source: &str) -> Result<Name> {
    Name::parse(text).ok_or_else(|| {
        Error::invalid(format!(
            "`{source}` must have 1 to {} characters and no control characters",
            Name::CHARACTERS_MAX
        ))
        .with_parameter(source)
    })
}

fn thread_choice(text: &str, source: &str) -> Result<ThreadChoice> {
    match text {
        "new" => return Ok(ThreadChoice::New),
        "incognito" => return Ok(ThreadChoice::Incognito),
        _ => {}
    }
    ThreadId::parse(text).map(ThreadChoice::Existing).ok_or_else(|| {
        Error::invalid(format!(
            "`{source}` must be \"new\", \"incognito\" or a thread's id, which begins with {:?}",
            ThreadId::PREFIX
        ))
        .with_parameter(source)
    })
}

fn memory_mode(text: &str, source: &str) -> Result<MemoryMode> {
    match text {
        "auto" => Ok(MemoryMode::Auto),
        "readonly" => Ok(MemoryMode::ReadOnly),
        "off" => Ok(MemoryMode::Off),
        _ => Err(Error::invalid(format!("`{source}` must be auto, readonly or off, not {text:?}"))
            .with_parameter(source)),
    }
}

/// What a reply's `backstay` member says: which generation it was, what was recalled for it, what
/// it cost, and which request fields the provider never saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplyExtension {
    pub generation: GenerationId,
    pub thread: Option<ThreadId>,
    pub recalled: Vec<Recalled>,
    pub memory_tokens: u64,
    /// Dollars as decimal text, null when the price is unknown.
    pub cost: Option<Money>,
    pub dropped_parameters: Vec<String>,
    /// How the endpoint was chosen, where the request asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<Value>,
    /// `provider/model` of each endpoint that went on with an answer which had broken off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub continued_by: Vec<String>,
    /// What became of the wish for a cached answer, where the client had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheNote>,
}

/// Whether an answer is an earlier one, given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum CacheNote {
    Hit {
        age_seconds: u64,
        /// The call that the answer was made in.
        source: GenerationId,
        /// What that call had cost; left out when that is unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        saved: Option<Money>,
    },
    Miss,
    /// Nothing was looked up, and nothing is kept.
    Bypass {
        reason: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_body_wins_over_the_header_member_by_member() {
        let headers = ExtensionHeaders {
            assistant: Some("from header"),
            thread: Some("thr_1"),
            ..ExtensionHeaders::default()
        };
        let body = json!({"assistant": "from body", "memory": "readonly"});
        let merged = RequestExtension::merge(Some(&body), headers).unwrap().unwrap();
        assert_eq!(merged.assistant, Name::parse("from body"));
        assert_eq!(merged.thread, ThreadId::parse("thr_1").map(ThreadChoice::Existing));
        assert_eq!(merged.memory, Some(MemoryMode::ReadOnly));
    }

    #[test]
    fn a_client_that_asks_for_nothing_gets_no_extension() {
        let none = ExtensionHeaders::default();
        assert_eq!(RequestExtension::merge(None, none).unwrap(), None);
        assert_eq!(RequestExtension::merge(Some(&Value::Null), none).unwrap(), None);
        assert!(RequestExtension::merge(Some(&json!({})), none).unwrap().is_some());
        let cache = json!({"cache": true});
        assert_eq!(RequestExtension::merge(Some(&cache), none).unwrap(), None);
        let more = json!({"cache": true, "user": "Ann"});
        assert!(RequestExtension::merge(Some(&more), none).unwrap().is_some());
    }

    #[test]
    fn a_mistake_names_its_place_and_what_is_allowed() {
        let cases = [
            (json!({"treadh": "new"}), "backstay.treadh", "assistant, user, thread, memory"),
            (json!({"thread": "mine"}), "backstay.thread", "\"new\""),
            (json!({"memory": "on"}), "backstay.memory", "auto, readonly or off"),
            (json!({"user": ""}), "backstay.user", "1 to 128"),
            (json!({"user": 7}), "backstay.user", "must be a string"),
            (json!("new"), "backstay", "must be an object"),
        ];
        for (value, parameter, hint) in cases {
            let error = RequestExtension::parse(&value).unwrap_err();
            assert_eq!(error.parameter(), Some(parameter));
            assert!(error.message().contains(hint), "{error}");
        }
        let headers = ExtensionHeaders { memory: Some("on"), ..ExtensionHeaders::default() };
        let error = RequestExtension::merge(None, headers).unwrap_err();
        assert_eq!(error.parameter(), Some("X-Backstay-Memory"));
    }
}
