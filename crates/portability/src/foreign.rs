//! Other programs' memories: mem0's JSON, the JSON lines of MCP's memory server, and plain text.

use backstay_core::{
    Timestamp,
    memory::{MemoryKind, Validity},
};
use serde_json::{Map, Value};

use crate::ForeignMemory;

/// What mem0 gives back for a search or a list, as an answer or as the list within it.
pub(crate) fn mem0(document: &Value) -> Option<Vec<ForeignMemory>> {
    let list = ["results", "memories"].into_iter().find_map(|name| document.get(name));
    let items = list.unwrap_or(document).as_array()?;
    let is_memory = |item: &Value| item["memory"].is_string();
    if items.is_empty() || !items.iter().all(is_memory) {
        return None;
    }
    Some(items.iter().filter_map(of_mem0).collect())
}

fn of_mem0(item: &Value) -> Option<ForeignMemory> {
    let mut metadata = item["metadata"].as_object().cloned().unwrap_or_default();
    for name in ["categories", "agent_id", "app_id", "run_id"] {
        if let Some(value) = item.get(name).filter(|value| !value.is_null()) {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    let moment = ["updated_at", "created_at"].into_iter().find_map(|name| item[name].as_str());
    Some(ForeignMemory {
        said_at: moment.and_then(Timestamp::parse),
        metadata,
        ..plain(item["memory"].as_str()?)
    })
}

/// A line of MCP's memory server: an entity with its observations, or a relation of two. `None` for
/// anything else.
pub(crate) fn of_mcp(line: &Value) -> Option<Vec<ForeignMemory>> {
    let text = |name: &str| line[name].as_str();
    match text("type")? {
        "entity" => {
            let name = text("name")?;
            let observations = line["observations"].as_array()?.iter().filter_map(Value::as_str);
            let memory = |observation: &str| {
                let mut metadata = Map::new();
                if let Some(kind) = text("entityType") {
                    metadata.insert("entity_type".to_owned(), kind.into());
                }
                ForeignMemory {
                    subject: Some(name.to_owned()),
                    metadata,
                    ..plain(&format!("{name}: {observation}"))
                }
            };
            Some(observations.map(memory).collect())
        }
        "relation" => {
            let (from, to) = (text("from")?, text("to")?);
            let relation = text("relationType")?.replace('_', " ");
            Some(vec![ForeignMemory {
                kind: MemoryKind::Relation,
                subject: Some(from.to_owned()),
                ..plain(&format!("{from} {relation} {to}"))
            }])
        }
        _ => None,
    }
}

/// A memory a line, as assistants write them when they are asked for all that they know:
/// `[2025-03-01] - text`, `- text`, `1. text` or the bare text. Headings are left out.
pub(crate) fn text(block: &str) -> Vec<ForeignMemory> {
    block.lines().filter_map(of_line).collect()
}

fn of_line(line: &str) -> Option<ForeignMemory> {
    let line = without_bullet(line.trim());
    if line.starts_with('#') || line.starts_with("```") || line.ends_with(':') {
        return None;
    }
    let (said_at, words) = match line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((date, rest)) => {
            let rest = rest.trim_start_matches([' ', '-', ':', '\u{2013}', '\u{2014}']);
            match Timestamp::parse(&format!("{}T00:00:00Z", date.trim())) {
                Some(said_at) => (Some(said_at), rest),
                None if date.eq_ignore_ascii_case("unknown") => (None, rest),
                None => (None, line),
            }
        }
        None => (None, line),
    };
    let words = words.trim();
    (!words.is_empty()).then(|| ForeignMemory { said_at, ..plain(words) })
}

fn without_bullet(line: &str) -> &str {
    let bare = line.trim_start_matches(['-', '*', '\u{2022}']).trim_start();
    if bare.len() < line.len() {
        return bare;
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match line[digits..].strip_prefix(['.', ')']) {
        Some(rest) if digits > 0 && rest.starts_with(' ') => rest.trim_start(),
        _ => line,
    }
}

fn plain(text: &str) -> ForeignMemory {
    ForeignMemory {
        text: text.trim().to_owned(),
        kind: MemoryKind::Fact,
        subject: None,
        said_at: None,
        valid: Validity::default(),
        metadata: Map::new(),
    }
}
