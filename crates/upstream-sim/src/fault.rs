//! Faults and latency: what can go wrong, and the short form in which a model name says so.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Longest wait that a script may ask for.
const MAX_WAIT_MS: u64 = 600_000;

/// Something that goes wrong with one answer.
///
/// Where a fault counts tokens, a plain JSON answer is cut at its middle instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The connection is closed without an answer.
    Refuse,
    /// 401, the key is not accepted.
    Unauthorized,
    /// 404, no such model.
    ModelNotFound,
    /// 429 with `Retry-After`.
    RateLimit {
        /// Seconds in `Retry-After`; 1 if left out.
        #[serde(default = "one_second")]
        retry_after_s: u32,
    },
    /// 500.
    ServerError,
    /// 529, as Anthropic answers when it is overloaded; in every format.
    Overloaded,
    /// 503.
    Unavailable,
    /// The status line comes late.
    SlowHeaders {
        /// How late, in milliseconds.
        delay_ms: u64,
    },
    /// After some tokens nothing more comes until the client leaves, at most for a minute.
    StallAfter {
        /// Tokens that come first.
        tokens: usize,
    },
    /// After some tokens the connection is reset (TCP RST).
    ResetAfter {
        /// Tokens that come first.
        tokens: usize,
    },
    /// After some tokens the body ends cleanly in the middle of an event.
    TruncateAfter {
        /// Tokens that come first.
        tokens: usize,
    },
    /// After some tokens an error object comes inside the stream, whose status is 200.
    ErrorAfter {
        /// Tokens that come first.
        tokens: usize,
    },
    /// The event that ends a stream is missing: `[DONE]`, `message_stop`, or Gemini's last chunk.
    NoDone,
    /// A chunk without content first: empty `choices`, a second `ping`, no `candidates`.
    EmptyChunk,
    /// No usage, neither in the answer nor in the stream.
    NoUsage,
    /// A usage with nine quadrillion tokens.
    LyingUsage,
    /// Any status, with a plain error object.
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A web page, as proxies send them.
    Html {
        /// The HTTP status, which may be 200.
        status: u16,
    },
    /// 200 and nothing.
    EmptyBody,
    /// The right answer under a wrong name: `text/html`.
    WrongContentType,
    /// A stream whose first line has this many bytes and no end.
    HugeLine {
        /// How many.
        bytes: usize,
    },
    /// A stream that repeats its second token a million times.
    Endless,
    /// An event in the middle of a stream that is no JSON. A plain answer is as it should be.
    Garbage,
    /// 302 to another address.
    Redirect,
}

fn one_second() -> u32 {
    1
}

/// How fast an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latency {
    /// Wait between the headers and the first byte of the body, in milliseconds.
    pub first_byte_ms: u64,
    /// Wait before each token, in milliseconds. A plain JSON answer waits for all its tokens.
    pub per_token_ms: u64,
}

impl Latency {
    pub(crate) fn first_byte(self) -> Duration {
        Duration::from_millis(self.first_byte_ms.min(MAX_WAIT_MS))
    }

    pub(crate) fn per_token(self) -> Duration {
        Duration::from_millis(self.per_token_ms.min(MAX_WAIT_MS))
    }
}

/// What a script does to one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// What goes wrong, if anything.
    pub fault: Option<Fault>,
    /// How fast the answer comes.
    pub latency: Latency,
    /// Sent as the body in place of an answer; each chunk is written to the socket by itself.
    pub raw: Option<Vec<Bytes>>,
}

/// How often a script applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// To this many requests; then the next script of the model takes over, or none.
    First(u32),
    /// To every request.
    Always,
}

/// A script that makes no sense.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScriptError {
    /// A word after `!` that is no fault.
    #[error("`{word}` is no fault; the faults are {known}", known = SHORT_FORMS.join(", "))]
    UnknownWord {
        /// The word.
        word: String,
    },
    /// Neither `first` nor `always`, or both.
    #[error("say how often the script applies: either `first`: N or `always`: true")]
    HowOften,
    /// Too many scripts wait already.
    #[error("{limit} scripts are set already; POST /sim/reset removes them")]
    TooMany {
        /// How many may wait.
        limit: usize,
    },
    /// A raw chunk that is not base64.
    #[error("a raw chunk is not valid base64: {reason}")]
    Base64 {
        /// What is wrong with it.
        reason: String,
    },
}

/// The short forms that a model name may carry after `!`; `N` is a number.
pub const SHORT_FORMS: &[&str] = &[
    "refuse",
    "401",
    "404",
    "429",
    "429-retry-after-N",
    "500",
    "503",
    "529",
    "slow-headers-N",
    "stall-after-N",
    "reset-after-N",
    "truncate-after-N",
    "error-after-N",
    "no-done",
    "empty-chunk",
    "no-usage",
    "lying-usage",
    "status-N",
    "html-N",
    "empty-body",
    "wrong-content-type",
    "huge-line-N",
    "endless",
    "garbage",
    "redirect",
    "first-byte-N",
    "per-token-N",
    "first-N",
];

impl Effect {
    /// Parses the part of a model name after the first `!`, such as `429!first-2` or
    /// `first-byte-200!reset-after-3`. The last fault wins; without `first-N` it applies always.
    pub(crate) fn parse(script: &str) -> Result<(Self, Times), ScriptError> {
        let mut effect = Self::default();
        let mut times = Times::Always;
        for word in script.split('!') {
            match split_number(word) {
                ("first-byte", Some(ms)) => effect.latency.first_byte_ms = ms,
                ("per-token", Some(ms)) => effect.latency.per_token_ms = ms,
                ("first", Some(n)) => times = Times::First(n.try_into().unwrap_or(u32::MAX)),
                _ => effect.fault = Some(Fault::parse(word)?),
            }
        }
        Ok((effect, times))
    }
}

impl Fault {
    /// Parses one short form, such as `stall-after-3`.
    fn parse(word: &str) -> Result<Self, ScriptError> {
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(match split_number(word) {
            ("refuse", None) => Self::Refuse,
            ("401", None) => Self::Unauthorized,
            ("404", None) => Self::ModelNotFound,
            ("429", None) => Self::RateLimit { retry_after_s: one_second() },
            ("429-retry-after", Some(n)) => {
                Self::RateLimit { retry_after_s: n.try_into().unwrap_or(u32::MAX) }
            }
            ("500", None) => Self::ServerError,
            ("503", None) => Self::Unavailable,
            ("529", None) => Self::Overloaded,
            ("slow-headers", Some(delay_ms)) => Self::SlowHeaders { delay_ms },
            ("stall-after", Some(n)) => Self::StallAfter { tokens: count(n) },
            ("reset-after", Some(n)) => Self::ResetAfter { tokens: count(n) },
            ("truncate-after", Some(n)) => Self::TruncateAfter { tokens: count(n) },
            ("error-after", Some(n)) => Self::ErrorAfter { tokens: count(n) },
            ("no-done", None) => Self::NoDone,
            ("empty-chunk", None) => Self::EmptyChunk,
            ("no-usage", None) => Self::NoUsage,
            ("lying-usage", None) => Self::LyingUsage,
            ("status", Some(n)) => Self::Status { status: status(word, n)? },
            ("html", Some(n)) => Self::Html { status: status(word, n)? },
            ("empty-body", None) => Self::EmptyBody,
            ("wrong-content-type", None) => Self::WrongContentType,
            ("huge-line", Some(n)) => Self::HugeLine { bytes: count(n) },
            ("endless", None) => Self::Endless,
            ("garbage", None) => Self::Garbage,
            ("redirect", None) => Self::Redirect,
            _ => return Err(ScriptError::UnknownWord { word: word.to_owned() }),
        })
    }

    /// How long the status line is held back.
    pub(crate) fn header_delay(self) -> Option<Duration> {
        match self {
            Self::SlowHeaders { delay_ms } => {
                Some(Duration::from_millis(delay_ms.min(MAX_WAIT_MS)))
            }
            _ => None,
        }
    }
}

/// A status that an answer can have.
fn status(word: &str, number: u64) -> Result<u16, ScriptError> {
    let status = u16::try_from(number).ok().filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| ScriptError::UnknownWord { word: word.to_owned() })
}

/// `stall-after-3` as (`stall-after`, 3).
fn split_number(word: &str) -> (&str, Option<u64>) {
    match word.rsplit_once('-') {
        Some((name, digits)) => match digits.parse() {
            Ok(number) => (name, Some(number)),
            Err(_) => (word, None),
        },
        None => (word, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_name_can_carry_fault_latency_and_count() {
        let (effect, times) = Effect::parse("first-byte-20!429-retry-after-7!first-2").unwrap();
        assert_eq!(effect.fault, Some(Fault::RateLimit { retry_after_s: 7 }));
        assert_eq!(effect.latency, Latency { first_byte_ms: 20, per_token_ms: 0 });
        assert_eq!(times, Times::First(2));
    }

    #[test]
    fn every_documented_short_form_is_understood() {
        for form in SHORT_FORMS {
            assert!(Effect::parse(&form.replace('N', "300")).is_ok(), "{form}");
        }
    }

    #[test]
    fn an_unknown_word_is_named_with_the_known_ones() {
        let error = Effect::parse("stall").unwrap_err().to_string();
        assert!(
            error.contains("`stall` is no fault") && error.contains("stall-after-N"),
            "{error}"
        );
    }
}
