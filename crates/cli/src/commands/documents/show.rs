//! Documents as text for people.

use serde_json::Value;

use crate::terminal::{one_line, table};

const ERROR_CHARACTERS_MAX: usize = 100;

pub(super) fn list(page: &Value) -> String {
    let rows: Vec<Vec<String>> = data(page).iter().map(row).collect();
    if rows.is_empty() {
        return "No documents.".to_owned();
    }
    let mut text =
        table(&["document", "file", "of", "status", "parts", "passages", "tokens"], &rows);
    for document in data(page).iter().filter(|document| !document["error"].is_null()) {
        let why = one_line(&said(&document["error"], "message"), ERROR_CHARACTERS_MAX);
        text.push_str(&format!("\n{}: {why}", said(document, "filename")));
    }
    if let Some(next) = page["next"].as_str() {
        text.push_str(&format!("\n\nmore: --cursor {next}"));
    }
    text
}

pub(super) fn one(document: &Value) -> String {
    let number = |name: &str| document[name].as_u64().unwrap_or(0);
    let mut lines = vec![
        format!("{} ({})", said(document, "filename"), said(document, "id")),
        format!("of       {}", owner(document)),
        format!("status   {}", said(document, "status")),
        format!("size     {} bytes", number("size")),
    ];
    if let Some(format) = document["format"].as_str() {
        lines.push(format!("format   {format}"));
        lines.push(format!(
            "read     {} passages, about {} tokens, {} with vectors",
            number("chunks"),
            number("tokens"),
            number("embedded")
        ));
    }
    lines.extend(document["summary"].as_str().map(|summary| format!("summary  {summary}")));
    let notes = document["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.extend(notes.iter().filter_map(Value::as_str).map(|note| format!("note     {note}")));
    if !document["error"].is_null() {
        let error = &document["error"];
        lines.push(format!("error    {} ({})", said(error, "message"), said(error, "code")));
    }
    lines.join("\n")
}

pub(super) fn passages(found: &Value) -> String {
    let passages = data(found);
    if passages.is_empty() {
        return "Nothing in the documents has to do with this.".to_owned();
    }
    let shown = passages.iter().map(|passage| {
        let headings = passage["headings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let under: Vec<&str> = headings.iter().filter_map(Value::as_str).collect();
        let under =
            if under.is_empty() { String::new() } else { format!(" · {}", under.join(" › ")) };
        format!(
            "{}, {}{under}\n{}\n({:.2}: {})",
            said(passage, "filename"),
            said(passage, "place"),
            said(passage, "text"),
            passage["score"].as_f64().unwrap_or(0.0),
            said(passage, "why")
        )
    });
    shown.collect::<Vec<_>>().join("\n\n")
}

pub(super) fn deleted(gone: &Value) -> String {
    let lines = data(gone).iter().map(|one| format!("{} was deleted.", said(one, "filename")));
    lines.collect::<Vec<_>>().join("\n")
}

fn row(document: &Value) -> Vec<String> {
    let number = |name: &str| document[name].as_u64().map(|number| number.to_string());
    vec![
        said(document, "id"),
        said(document, "filename"),
        owner(document),
        said(document, "status"),
        number("parts").unwrap_or_default(),
        number("chunks").unwrap_or_default(),
        number("tokens").unwrap_or_default(),
    ]
}

fn owner(document: &Value) -> String {
    let owner = &document["owner"];
    let of = said(owner, "of");
    match of.as_str() {
        "message" => format!("message {} of {}", said(owner, "message"), said(owner, "thread")),
        of => format!("{of} {}", said(owner, of)),
    }
}

fn data(page: &Value) -> &[Value] {
    page["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn said(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
