//! Services that search the web, and pages that they find: `/searxng`, `/brave`, `/tavily` and `/exa` in
//! front of each one's own path.
//!
//! Every query finds three pages of the simulator's own, whose texts repeat the query. The key `refused`
//! is refused, `spent` has no calls left, and a query with `nothing` in it finds nothing.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::exchange::Received;

const PAGES: u64 = 3;

pub(crate) async fn searxng(received: Received) -> Response {
    if parameter(received.query(), "format").as_deref() != Some("json") {
        return received.answer(403, &json!("Forbidden"));
    }
    let query = parameter(received.query(), "q").unwrap_or_default();
    let results = found(&received, &query, PAGES, "content", "publishedDate");
    received.answer(200, &json!({"query": query, "results": results, "answers": []}))
}

pub(crate) async fn brave(received: Received) -> Response {
    let key = header(&received.headers, "x-subscription-token");
    let Some(query) = parameter(received.query(), "q").filter(|query| query.len() <= 400) else {
        return received.answer(422, &json!({"type": "ErrorResponse"}));
    };
    let count = parameter(received.query(), "count").and_then(|count| count.parse().ok());
    let results = found(&received, &query, count.unwrap_or(20), "description", "page_age");
    let body = match results.is_empty() {
        true => json!({"type": "search"}),
        false => json!({"type": "search", "web": {"type": "search", "results": results}}),
    };
    admitted(received, key.as_deref(), &body)
}

pub(crate) async fn tavily(received: Received) -> Response {
    let key = header(&received.headers, "authorization");
    let key = key.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let asked = asked(&received);
    let count = asked.get("max_results").and_then(Value::as_u64).unwrap_or(5);
    let query = asked.get("query").and_then(Value::as_str).unwrap_or_default();
    let results = found(&received, query, count, "content", "published_date");
    let body = json!({"query": query, "results": results, "images": [], "answer": null});
    admitted(received, key.as_deref(), &body)
}

pub(crate) async fn exa(received: Received) -> Response {
    let key = header(&received.headers, "x-api-key");
    let asked = asked(&received);
    let count = asked.get("numResults").and_then(Value::as_u64).unwrap_or(10);
    let query = asked.get("query").and_then(Value::as_str).unwrap_or_default();
    // Without `contents` there are addresses alone.
    let text = if asked.contains_key("contents") { "text" } else { "unasked" };
    let results = found(&received, query, count, text, "publishedDate");
    admitted(received, key.as_deref(), &json!({"requestId": "sim", "results": results}))
}

pub(crate) async fn page(Path(name): Path<String>) -> Response {
    let words = name.replace('-', " ");
    let script = "<script>document.title = 'not to be read'</script>";
    Html(format!(
        "<!doctype html><title>{words}</title>{script}<h1>About {words}</h1>\
         <p>The whole page says of {words} that it was simulated.</p>"
    ))
    .into_response()
}

fn found(received: &Received, query: &str, count: u64, text: &str, date: &str) -> Vec<Value> {
    if query.contains("nothing") {
        return Vec::new();
    }
    let host = header(&received.headers, header::HOST.as_str()).unwrap_or_default();
    let slug: String = query
        .chars()
        .map(
            |letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' },
        )
        .collect();
    (1..=count.min(PAGES))
        .map(|number| {
            json!({
                "title": format!("Page {number} about {query}"),
                "url": format!("http://{host}/pages/{slug}-{number}"),
                text: format!("Result {number} says of {query} that it was simulated."),
                date: "2026-01-02",
            })
        })
        .collect()
}

fn admitted(received: Received, key: Option<&str>, body: &Value) -> Response {
    match key {
        None | Some("" | "refused") => received.answer(401, &json!({"detail": "invalid API key"})),
        Some("spent") => received.answer(429, &json!({"detail": "usage limit exceeded"})),
        Some(_) => received.answer(200, body),
    }
}

fn asked(received: &Received) -> Map<String, Value> {
    serde_json::from_str(received.text()).unwrap_or_default()
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A parameter of a query, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
