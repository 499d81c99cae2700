//! Memories as text for people.

use serde_json::{Value, json};

use crate::terminal::one_line;

/// Of what was added up to rank a memory, the largest parts are shown.
const PARTS_SHOWN: usize = 6;

pub(super) fn memories(page: &Value, none: &str) -> String {
    let items = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return none.to_owned();
    }
    let mut lines: Vec<String> = items.iter().map(memory).collect();
    if let Some(next) = page["next"].as_str() {
        lines.push(format!("\nmore: --cursor {next}"));
    }
    lines.join("\n")
}

fn memory(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let date: String = text("said_at").chars().take(10).collect();
    let said = one_line(text("text"), 160);
    let line = format!("{}  {date}  {}: {said}", text("id"), text("author"));
    match item["score"].as_f64() {
        Some(score) => format!("{line}\n    {score:.2}  {}", text("why")),
        None => line,
    }
}

pub(super) fn statements(page: &Value, none: &str) -> String {
    let items = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return none.to_owned();
    }
    let mut lines: Vec<String> = items.iter().map(statement).collect();
    if let Some(next) = page["next"].as_str() {
        lines.push(format!("\nmore: --cursor {next}"));
    }
    lines.join("\n")
}

fn statement(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let date: String = text("said_at").chars().take(10).collect();
    let mut line = format!(
        "{} v{}  {date}  {}: {}",
        text("id"),
        item["version"].as_u64().unwrap_or_default(),
        text("kind"),
        one_line(text("text"), 160)
    );
    if item["pinned"] == json!(true) {
        line.push_str("  [pinned]");
    }
    if text("state") == "quarantined" {
        line.push_str(&format!("\n    quarantined: {}", text("reason")));
    }
    if let Some(by) = item["superseded_by"].as_str() {
        line.push_str(&format!("\n    superseded by {by}"));
    } else if !item["retracted_at"].is_null() {
        line.push_str("\n    an earlier version");
    }
    line
}

pub(super) fn changed(done: &Value) -> String {
    let outcome = done["outcome"].as_str().unwrap_or_default();
    format!("{outcome}: {}", statement(&done["memory"]))
}

pub(super) fn forgotten(done: &Value) -> String {
    let count = |name: &str| done[name].as_array().map_or(0, Vec::len);
    let verb = if done["done"] == json!(true) { "forgotten" } else { "would be forgotten" };
    let mut line =
        format!("{verb}: {} turns, {} statements", count("episodes"), count("statements"));
    for (name, what) in [
        ("weakened", "statements keep other sources"),
        ("restored", "superseded statements are believed again"),
    ] {
        if count(name) > 0 {
            line.push_str(&format!(", {} {what}", count(name)));
        }
    }
    let number = |name: &str| done[name].as_u64().unwrap_or_default();
    format!("{line}, {} summaries, {} vectors", number("summaries"), number("vectors"))
}

pub(super) fn stats(found: &Value) -> String {
    let items = found["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return "Nothing is remembered yet.".to_owned();
    }
    let line = |item: &Value| {
        let statements = &item["statements"];
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        format!(
            "{} / {}: {} turns; statements: {} active, {} quarantined, {} superseded, {} retracted",
            item["assistant"].as_str().unwrap_or_default(),
            item["user"].as_str().unwrap_or("(no user)"),
            number(&item["turns"]),
            number(&statements["active"]),
            number(&statements["quarantined"]),
            number(&statements["superseded"]),
            number(&statements["retracted"]),
        )
    };
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// How the question was read, unless there is nothing to say of it.
fn reading(reading: &Value) -> Vec<String> {
    let words = |name: &str| -> Vec<String> {
        let items = reading[name].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(|word| word.replace('_', " ")).collect()
    };
    let said = [("asks", words("kinds")), ("names", words("speakers")), ("at", words("times"))];
    let said = said.iter().filter(|(_, words)| !words.is_empty());
    let parts: Vec<String> =
        said.map(|(what, words)| format!("{what}: {}", words.join(", "))).collect();
    if parts.is_empty() { Vec::new() } else { vec![format!("read as {}", parts.join("; "))] }
}

/// Each memory with what was added up to rank it.
pub(super) fn explanation(found: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().replace('_', " ");
    let mut lines = reading(&found["reading"]);
    if found["relevant"] == json!(false) {
        lines.push("Nothing that is remembered bears on this, so nothing is recalled.".to_owned());
    }
    for item in list(&found["items"]) {
        let rank = item["rank"].as_u64().unwrap_or_default();
        lines.push(format!("{rank}. {} ({})", memory(&item), word(&item["outcome"])));
        let parts = list(&item["parts"]);
        let parts = parts.iter().take(PARTS_SHOWN).map(|part| {
            format!("{} {:+.2}", word(&part["feature"]), part["adds"].as_f64().unwrap_or_default())
        });
        lines.push(format!("    {}", parts.collect::<Vec<_>>().join(", ")));
    }
    for missing in list(&found["missing"]) {
        lines.push(format!(
            "{}: {}",
            missing["id"].as_str().unwrap_or_default(),
            word(&missing["reason"])
        ));
    }
    if lines.is_empty() { "Nothing is remembered yet.".to_owned() } else { lines.join("\n") }
}
