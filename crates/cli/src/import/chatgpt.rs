//! A ChatGPT export: `conversations.json`, where each conversation is a tree of messages.
//!
//! OpenAI publishes no contract for it; the shape is what exports were seen to hold.

use std::collections::HashSet;

use backstay_core::Timestamp;
use serde_json::Value;

use super::{Conversation, Session, Turn, skipped::Skipped};

/// Every conversation of the export becomes a session of one.
pub(super) fn conversation(items: &[Value]) -> Conversation {
    let mut skipped = Skipped::default();
    let sessions: Vec<Session> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| session(index, item, &mut skipped))
        .collect();
    Conversation {
        title: "ChatGPT export".to_owned(),
        sessions,
        questions: Vec::new(),
        skipped: skipped.lines(),
    }
}

pub(super) fn session(index: usize, item: &Value, skipped: &mut Skipped) -> Option<Session> {
    let id = ["conversation_id", "id"].iter().find_map(|key| item[*key].as_str());
    let id = id.map_or_else(|| format!("c{:05}", index + 1), str::to_owned);
    let opened = item["create_time"].as_f64();
    let mut last = opened;
    let mut turns = Vec::new();
    for (number, message) in visible_path(item).into_iter().enumerate() {
        let Some((role, text)) = words(message, skipped) else {
            continue;
        };
        last = message["create_time"].as_f64().or(last);
        turns.push(Turn {
            id: message["id"].as_str().map_or_else(|| format!("{id}-{number}"), str::to_owned),
            author: role.to_owned(),
            role,
            text,
            said_at: last.and_then(rfc3339),
        });
    }
    if turns.is_empty() {
        return None;
    }
    let started_at = opened.and_then(rfc3339).or_else(|| turns[0].said_at.clone())?;
    Some(Session { id, title: item["title"].as_str().map(str::to_owned), started_at, turns })
}

/// The branch that the user saw last: from the current node up to the root, turned round. Edits and
/// regenerated answers leave other branches, which are not it.
fn visible_path(item: &Value) -> Vec<&Value> {
    let Some(nodes) = item["mapping"].as_object() else {
        return Vec::new();
    };
    let newest_leaf = || {
        let leaves =
            nodes.iter().filter(|(_, node)| node["children"].as_array().is_none_or(Vec::is_empty));
        let time = |node: &Value| node["message"]["create_time"].as_f64().unwrap_or(0.0);
        leaves.max_by(|a, b| time(a.1).total_cmp(&time(b.1))).map(|(id, _)| id.as_str())
    };
    let current = item["current_node"].as_str().filter(|id| nodes.contains_key(*id));
    let mut next = current.or_else(newest_leaf);
    let mut seen = HashSet::new();
    let mut path = Vec::new();
    while let Some(id) = next {
        let Some(node) = nodes.get(id) else { break };
        // A loop of parents would never end.
        if !seen.insert(id) {
            break;
        }
        if node["message"].is_object() {
            path.push(&node["message"]);
        }
        next = node["parent"].as_str();
    }
    path.reverse();
    path
}

/// What a person wrote or the assistant answered; hidden messages, tools and thinking are neither.
fn words(message: &Value, skipped: &mut Skipped) -> Option<(&'static str, String)> {
    let role = match message["author"]["role"].as_str() {
        Some("user") => "user",
        Some("assistant") => "assistant",
        _ => return None,
    };
    let hidden = message["weight"].as_f64() == Some(0.0)
        || message["metadata"]["is_visually_hidden_from_conversation"] == true
        || message["recipient"].as_str().is_some_and(|recipient| recipient != "all");
    if hidden {
        return None;
    }
    let content = &message["content"];
    let kind = content["content_type"].as_str().unwrap_or("text");
    let text = match kind {
        "text" | "multimodal_text" => parts(content, skipped),
        "code" => content["text"].as_str().unwrap_or_default().to_owned(),
        other => {
            skipped.count(&format!("message of type {other}"));
            return None;
        }
    };
    let text = text.trim();
    (!text.is_empty()).then(|| (role, text.to_owned()))
}

fn parts(content: &Value, skipped: &mut Skipped) -> String {
    let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut texts = Vec::new();
    for part in parts {
        match part.as_str() {
            Some(text) => texts.push(text),
            None => skipped.count("attachment"),
        }
    }
    texts.join("\n")
}

fn rfc3339(unix_seconds: f64) -> Option<String> {
    let plausible = (0.0..=4_102_444_800.0).contains(&unix_seconds);
    plausible.then(|| Timestamp::from_micros((unix_seconds * 1e6) as i64).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(parent: Option<&str>, children: &[&str], role: &str, text: &str, time: f64) -> Value {
        json!({"parent": parent, "children": children, "message": {
            "id": text, "author": {"role": role}, "create_time": time,
            "content": {"content_type": "text", "parts": [text]}}})
    }

    #[test]
    fn only_the_branch_that_the_user_saw_is_imported() {
        let item = json!({
            "title": "Trip", "conversation_id": "c1", "create_time": 1_700_000_000.0,
            "current_node": "b2",
            "mapping": {
                "root": {"parent": null, "children": ["a"], "message": null},
                "a": node(Some("root"), &["b1", "b2"], "user", "where to?", 1_700_000_001.0),
                "b1": node(Some("a"), &[], "assistant", "discarded", 1_700_000_002.0),
                "b2": node(Some("a"), &[], "assistant", "Lisbon", 1_700_000_003.0),
            },
        });
        let imported = conversation(&[item]);
        let texts: Vec<&str> =
            imported.sessions[0].turns.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(texts, ["where to?", "Lisbon"]);
        assert_eq!(imported.sessions[0].started_at, "2023-11-14T22:13:20Z");
    }

    #[test]
    fn a_tree_with_a_loop_or_without_its_current_node_ends() {
        let item = json!({
            "id": "c1", "create_time": 1_700_000_000.0, "current_node": "gone",
            "mapping": {
                "a": node(Some("b"), &["b"], "user", "x", 1.0),
                "b": node(Some("a"), &[], "assistant", "y", 2.0),
            },
        });
        assert_eq!(conversation(&[item]).sessions[0].turns.len(), 2);
    }
}
