//! What clients asked and how each answer ended, for tests to look at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;

/// How many requests are kept.
pub const MAX_RECORDS: usize = 1_000;
/// A larger body is not kept; its size is.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Headers whose values are secrets.
const SECRET_HEADERS: &[&str] =
    &["authorization", "x-api-key", "x-goog-api-key", "api-key", "proxy-authorization", "cookie"];
/// How many characters of a secret are kept.
const SECRET_TAIL: usize = 4;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is still being answered.
    InProgress,
    /// The whole answer, with whatever fault it has, was handed to the socket.
    Completed,
    /// The client left before that.
    ClientDisconnected,
    /// A fault cut the connection.
    CutByScript,
}

/// One request as the simulator saw it.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    /// Number of the request, from 1, in the order of arrival.
    pub id: u64,
    /// HTTP method.
    pub method: String,
    /// Path and query; a key in the query is reduced to its last 4 characters.
    pub path: String,
    /// Headers; secrets are reduced to their last 4 characters.
    pub headers: Map<String, Value>,
    /// The JSON body; `null` if it was no JSON or larger than 256 KiB.
    pub body: Value,
    /// Size of the body, in bytes.
    pub body_bytes: usize,
    /// Status of the answer, once there is one.
    pub status: Option<u16>,
    /// When the request was read, in milliseconds since the simulator started.
    pub started_ms: u64,
    /// When the answer ended, on the same clock.
    pub finished_ms: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    body_bytes: usize,
    started_ms: u64,
    end: Mutex<End>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    status: Option<u16>,
    finished_ms: Option<u64>,
    outcome: Outcome,
}

/// Keeps the last requests. Raw parts are kept and read only when somebody looks.
#[derive(Debug)]
pub(crate) struct Recorder {
    enabled: bool,
    started: Instant,
    entries: Mutex<VecDeque<Arc<Entry>>>,
    changed: Notify,
}

impl Recorder {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            started: Instant::now(),
            entries: Mutex::new(VecDeque::new()),
            changed: Notify::new(),
        }
    }

    /// Notes a request. What comes back notes its end, at the latest when it is dropped.
    pub(crate) fn begin(
        self: &Arc<Self>,
        id: u64,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Recording {
        if !self.enabled {
            return Recording(None);
        }
        let kept = if body.len() <= MAX_BODY_BYTES { body.clone() } else { Bytes::new() };
        let entry = Arc::new(Entry {
            id,
            method: method.clone(),
            uri: uri.clone(),
            headers: headers.clone(),
            body: kept,
            body_bytes: body.len(),
            started_ms: self.now_ms(),
            end: Mutex::new(End { status: None, finished_ms: None, outcome: Outcome::InProgress }),
        });
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_RECORDS {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        drop(entries);
        self.changed.notify_waiters();
        Recording(Some(Open { recorder: Arc::clone(self), entry }))
    }

    pub(crate) fn requests(&self) -> Vec<RequestRecord> {
        let entries: Vec<_> = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            entries.iter().cloned().collect()
        };
        entries.iter().map(|entry| entry.record()).collect()
    }

    /// Comes back when a request begins or ends after this call.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}

/// The open end of one record. Dropped without an end, it says that the client left: the server
/// drops an answer that nobody reads any more.
#[derive(Debug)]
pub(crate) struct Recording(Option<Open>);

#[derive(Debug)]
struct Open {
    recorder: Arc<Recorder>,
    entry: Arc<Entry>,
}

impl Recording {
    pub(crate) fn status(&self, status: u16) {
        if let Some(open) = &self.0 {
            open.entry.end.lock().unwrap_or_else(PoisonError::into_inner).status = Some(status);
        }
    }

    /// Notes how the answer ended. Only the first call counts.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        let Some(open) = self.0.take() else { return };
        {
            let mut end = open.entry.end.lock().unwrap_or_else(PoisonError::into_inner);
            end.finished_ms = Some(open.recorder.now_ms());
            end.outcome = outcome;
        }
        open.recorder.changed.notify_waiters();
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.finish(Outcome::ClientDisconnected);
    }
}

impl Entry {
    fn record(&self) -> RequestRecord {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        RequestRecord {
            id: self.id,
            method: self.method.to_string(),
            path: safe_path(&self.uri),
            headers: safe_headers(&self.headers),
            body: serde_json::from_slice(&self.body).unwrap_or_default(),
            body_bytes: self.body_bytes,
            status: end.status,
            started_ms: self.started_ms,
            finished_ms: end.finished_ms,
            outcome: end.outcome,
        }
    }
}

fn safe_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut safe = Map::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let secret = SECRET_HEADERS.contains(&name.as_str());
        let shown = if secret { tail(&text) } else { text.into_owned() };
        safe.insert(name.to_string(), Value::String(shown));
    }
    safe
}

fn safe_path(uri: &Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some(("key", secret)) => format!("key={}", tail(secret)),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{}?{}", uri.path(), pairs.join("&"))
}

fn tail(secret: &str) -> String {
    let skip = secret.chars().count().saturating_sub(SECRET_TAIL);
    if skip == 0 {
        return "\u{2026}".to_owned();
    }
    format!("\u{2026}{}", secret.chars().skip(skip).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_kept_whole() {
        let uri: Uri = "/v1beta/models?key=AIza-secret-1234&alt=sse".parse().unwrap();
        assert_eq!(safe_path(&uri), "/v1beta/models?key=\u{2026}1234&alt=sse");
        assert_eq!(tail("abc"), "\u{2026}");
    }
}
