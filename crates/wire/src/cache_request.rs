//! What a client says of answers that are given again: `backstay.cache` and OpenRouter's headers.

use backstay_core::{Error, Result};
use serde_json::{Map, Value};

const MEMBER: &str = "backstay.cache";
const TTL_MEMBER: &str = "backstay.cache.ttl";
const ENABLED_HEADER: &str = "X-OpenRouter-Cache";
const TTL_HEADER: &str = "X-OpenRouter-Cache-TTL";
const CLEAR_HEADER: &str = "X-OpenRouter-Cache-Clear";
const TTL_SECONDS: u32 = 300;
const TTL_SECONDS_MAX: u32 = 86_400;

/// A client that takes an earlier answer to the same request, and lets its own be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheRequest {
    /// How long the answer may be kept.
    pub ttl_seconds: u32,
    /// Whether an earlier answer is dropped instead of being given.
    pub clear: bool,
}

/// The headers of OpenRouter's clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheHeaders<'a> {
    /// `X-OpenRouter-Cache`
    pub enabled: Option<&'a str>,
    /// `X-OpenRouter-Cache-TTL`
    pub ttl: Option<&'a str>,
    /// `X-OpenRouter-Cache-Clear`
    pub clear: Option<&'a str>,
}

/// What one place says; `None` where it says nothing.
#[derive(Default)]
struct Said {
    enabled: Option<bool>,
    ttl_seconds: Option<u32>,
    clear: Option<bool>,
}

impl CacheRequest {
    /// Each setting from the `backstay` member where it has one, else from the headers. `None` unless
    /// one of them asks for the cache.
    ///
    /// # Errors
    /// `InvalidRequest` with the member's path or the header's name.
    pub fn merge(backstay: Option<&Value>, headers: CacheHeaders<'_>) -> Result<Option<Self>> {
        let member = backstay.and_then(|backstay| backstay.get("cache"));
        let body = member.map(of_member).transpose()?.unwrap_or_default();
        let headers = of_headers(headers)?;
        if !body.enabled.or(headers.enabled).unwrap_or(false) {
            return Ok(None);
        }
        Ok(Some(Self {
            ttl_seconds: body.ttl_seconds.or(headers.ttl_seconds).unwrap_or(TTL_SECONDS),
            clear: body.clear.or(headers.clear).unwrap_or(false),
        }))
    }
}

fn of_member(value: &Value) -> Result<Said> {
    match value {
        Value::Null => Ok(Said::default()),
        Value::Bool(enabled) => Ok(Said { enabled: Some(*enabled), ..Said::default() }),
        Value::Object(members) => of_object(members),
        _ => {
            Err(invalid("`backstay.cache` must be true, false or an object with any of ttl, clear")
                .with_parameter(MEMBER))
        }
    }
}

fn of_object(members: &Map<String, Value>) -> Result<Said> {
    let mut said = Said { enabled: Some(true), ..Said::default() };
    for (name, value) in members {
        match (name.as_str(), value) {
            ("ttl" | "clear", Value::Null) => {}
            ("ttl", value) => {
                let seconds = value.as_u64().and_then(within).ok_or_else(|| ttl(TTL_MEMBER))?;
                said.ttl_seconds = Some(seconds);
            }
            ("clear", Value::Bool(clear)) => said.clear = Some(*clear),
            ("clear", _) => {
                return Err(invalid("`backstay.cache.clear` must be true or false")
                    .with_parameter("backstay.cache.clear"));
            }
            _ => {
                let message = format!("`{MEMBER}` has no member `{name}`; it has ttl, clear");
                return Err(invalid(message).with_parameter(format!("{MEMBER}.{name}")));
            }
        }
    }
    Ok(said)
}

fn of_headers(headers: CacheHeaders<'_>) -> Result<Said> {
    let seconds =
        |text: &str| text.trim().parse().ok().and_then(within).ok_or_else(|| ttl(TTL_HEADER));
    Ok(Said {
        enabled: headers.enabled.map(|text| flag(text, ENABLED_HEADER)).transpose()?,
        ttl_seconds: headers.ttl.map(seconds).transpose()?,
        clear: headers.clear.map(|text| flag(text, CLEAR_HEADER)).transpose()?,
    })
}

fn within(seconds: u64) -> Option<u32> {
    u32::try_from(seconds).ok().filter(|seconds| (1..=TTL_SECONDS_MAX).contains(seconds))
}

fn flag(text: &str, source: &str) -> Result<bool> {
    match text.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(format!("`{source}` must be true or false, not {text:?}"))
            .with_parameter(source)),
    }
}

fn ttl(source: &str) -> Error {
    let message =
        format!("`{source}` must be a whole number of seconds from 1 to {TTL_SECONDS_MAX}");
    invalid(message).with_parameter(source)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(backstay: Value, headers: CacheHeaders<'_>) -> Option<(u32, bool)> {
        let merged = CacheRequest::merge(Some(&backstay), headers).unwrap();
        merged.map(|request| (request.ttl_seconds, request.clear))
    }

    #[test]
    fn the_cache_is_used_only_where_it_is_asked_for() {
        let none = CacheHeaders::default();
        let on = CacheHeaders { enabled: Some("true"), ..none };
        assert_eq!(CacheRequest::merge(None, none).unwrap(), None);
        for off in [json!({}), json!({"cache": null}), json!({"cache": false})] {
            assert_eq!(merged(off, none), None);
        }
        assert_eq!(merged(json!({"cache": true}), none), Some((300, false)));
        assert_eq!(merged(json!({"cache": {}}), none), Some((300, false)));
        assert_eq!(merged(json!({"cache": {"ttl": 60, "clear": true}}), none), Some((60, true)));
        assert_eq!(merged(json!({}), on), Some((300, false)));
        assert_eq!(merged(json!({"cache": false}), on), None, "the body wins");
        let alone = CacheHeaders { ttl: Some("60"), clear: Some("true"), ..none };
        assert_eq!(merged(json!({}), alone), None);
        let all = CacheHeaders { enabled: Some("true"), ..alone };
        assert_eq!(merged(json!({}), all), Some((60, true)));
        assert_eq!(merged(json!({"cache": {"ttl": 7}}), all), Some((7, true)));
    }

    #[test]
    fn a_mistake_names_its_place_and_what_is_allowed() {
        let none = CacheHeaders::default();
        for (cache, place, hint) in [
            (json!(7), MEMBER, "true, false or an object"),
            (json!({"ttl": 0}), TTL_MEMBER, "1 to 86400"),
            (json!({"ttl": 86_401}), TTL_MEMBER, "1 to 86400"),
            (json!({"ttl": "60"}), TTL_MEMBER, "whole number"),
            (json!({"clear": 1}), "backstay.cache.clear", "true or false"),
            (json!({"tll": 60}), "backstay.cache.tll", "it has ttl, clear"),
        ] {
            let error = CacheRequest::merge(Some(&json!({"cache": cache})), none).unwrap_err();
            assert_eq!(error.parameter(), Some(place));
            assert!(error.message().contains(hint), "{error}");
        }
        for (headers, place) in [
            (CacheHeaders { enabled: Some("yes"), ..none }, ENABLED_HEADER),
            (CacheHeaders { ttl: Some("0"), ..none }, TTL_HEADER),
            (CacheHeaders { ttl: Some("86401"), ..none }, TTL_HEADER),
            (CacheHeaders { ttl: Some("-1"), ..none }, TTL_HEADER),
            (CacheHeaders { clear: Some("1"), ..none }, CLEAR_HEADER),
        ] {
            let error = CacheRequest::merge(None, headers).unwrap_err();
            assert_eq!(error.parameter(), Some(place));
        }
    }
}
