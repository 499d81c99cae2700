//! What a wire format must be able to do, and small helpers to read JSON that they share.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

use crate::delivery::Frame;
use crate::failure::Failure;
use crate::prompt::Prompt;
use crate::respond::Plan;

/// A request that wants an answer, as far as it can be read without knowing the format.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Number of the request, for ids in the answer.
    pub(crate) id: u64,
    pub(crate) body: &'a Map<String, Value>,
    /// The model where the path names it.
    pub(crate) path_model: Option<&'a str>,
    /// Whether the path asks for a stream.
    pub(crate) path_stream: bool,
    /// The query string.
    pub(crate) query: &'a str,
}

/// Everything of a request that a signature can cover.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// One of the wire formats.
pub(crate) trait Wire {
    /// What the format's answer needs to know beyond the neutral prompt.
    type Extra;

    /// Checks that the caller shows a key.
    fn authorize(headers: &HeaderMap, query: &str) -> Result<(), Failure>;

    /// Checks whatever else the caller has to show.
    fn admit(caller: &Caller<'_>) -> Result<(), Failure> {
        Self::authorize(caller.headers, caller.uri.query().unwrap_or_default())
    }

    /// Checks a request as strictly as the provider does, and reads it.
    fn read(call: &Call<'_>) -> Result<(Prompt, Self::Extra), Failure>;

    /// The body of a plain answer.
    fn reply(prompt: &Prompt, extra: &Self::Extra, plan: &Plan) -> Value;

    /// The pieces of a streamed answer.
    fn frames(prompt: &Prompt, extra: &Self::Extra, plan: &Plan) -> Vec<Frame>;

    /// Makes a plain answer empty, as the fault `empty-chunk` wants it.
    fn empty_reply(reply: &mut Value);

    /// The piece without content that the fault `empty-chunk` puts into a stream.
    fn empty_frame(prompt: &Prompt, extra: &Self::Extra) -> Frame;

    /// Where in the stream that piece goes.
    const EMPTY_FRAME_AT: usize;

    /// `Content-Type` of a stream.
    fn stream_type(extra: &Self::Extra) -> &'static str;

    /// The body of a refusal, and its status where the format has one of its own.
    fn failure(id: u64, failure: &Failure) -> (u16, Value);

    /// An error that comes inside a stream whose status was 200.
    fn error_event(id: u64, extra: &Self::Extra) -> Bytes;

    /// An error as the body of a plain answer whose status is 200.
    fn error_body(id: u64) -> Value {
        Self::failure(id, &Failure::Overloaded).1
    }
}

/// A server-sent event without a name.
pub(crate) fn data_event(json: &str) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

/// A server-sent event with a name.
pub(crate) fn named_event(name: &str, json: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = header(headers, "authorization")?;
    let token = value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))?.trim();
    (!token.is_empty()).then_some(token)
}

/// A header that is there and not empty.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

/// A field that is there and not `null`.
pub(crate) fn given<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// An unsigned number as `usize`.
pub(crate) fn count(value: Option<&Value>) -> Option<usize> {
    value.and_then(Value::as_u64).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// Whether a name is made of ASCII letters, digits, `_` and `-` (and `extra`) and not too long.
pub(crate) fn is_name(name: &str, max_length: usize, extra: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || extra.contains(c);
    !name.is_empty() && name.len() <= max_length && name.chars().all(fits)
}
