//! A Claude export: `conversations.json`, a list of conversations with their messages in order.
//!
//! Anthropic publishes no contract for it; the shape is what exports were seen to hold.

use serde_json::Value;

use super::{Conversation, Session, Turn, skipped::Skipped};

/// Every conversation of the export becomes a session of one.
pub(super) fn conversation(items: &[Value]) -> Conversation {
    let mut skipped = Skipped::default();
    let sessions = items.iter().enumerate();
    let sessions =
        sessions.filter_map(|(index, item)| session(index, item, &mut skipped)).collect();
    Conversation {
        title: "Claude export".to_owned(),
        sessions,
        questions: Vec::new(),
        skipped: skipped.lines(),
    }
}

/// Whether this is a conversation of such an export.
pub(super) fn is_conversation(item: &Value) -> bool {
    item.get("chat_messages").is_some()
}

pub(super) fn session(index: usize, item: &Value, skipped: &mut Skipped) -> Option<Session> {
    let id = item["uuid"].as_str().map_or_else(|| format!("c{:05}", index + 1), str::to_owned);
    let opened = item["created_at"].as_str();
    let messages = item["chat_messages"].as_array()?;
    let turns: Vec<Turn> = messages
        .iter()
        .enumerate()
        .filter_map(|(number, message)| {
            let role = match message["sender"].as_str()? {
                "human" => "user",
                "assistant" => "assistant",
                _ => return None,
            };
            let text = words(message, skipped);
            let said_at = message["created_at"].as_str().or(opened);
            let id = message["uuid"].as_str().map(str::to_owned);
            (!text.is_empty()).then(|| Turn {
                id: id.unwrap_or_else(|| format!("{number}")),
                author: role.to_owned(),
                role,
                text,
                said_at: said_at.map(str::to_owned),
            })
        })
        .collect();
    let started_at = opened.map(str::to_owned).or_else(|| turns.first()?.said_at.clone())?;
    let title = item["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    (!turns.is_empty()).then_some(Session { id, title, started_at, turns })
}

/// The text blocks, without thinking and tools; older exports have one text only.
fn words(message: &Value, skipped: &mut Skipped) -> String {
    for name in ["attachments", "files"] {
        for _ in message[name].as_array().into_iter().flatten() {
            skipped.count("attachment");
        }
    }
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut texts = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => texts.extend(block["text"].as_str()),
            Some(other) => skipped.count(&format!("block of type {other}")),
            None => {}
        }
    }
    if texts.is_empty() {
        texts.extend(message["text"].as_str());
    }
    texts.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_and_the_assistant_speak_and_tools_and_thinking_do_not() {
        let item = json!({
            "uuid": "c1", "name": "Trip", "created_at": "2025-03-01T10:00:00.000000Z",
            "chat_messages": [
                {"uuid": "m1", "sender": "human", "text": "old", "created_at": "2025-03-01T10:00:01Z",
                 "content": [{"type": "text", "text": "Where to?"}], "files": [{"file_name": "a"}]},
                {"uuid": "m2", "sender": "assistant", "text": "",
                 "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Lisbon"}]},
                {"uuid": "m3", "sender": "human", "text": "An older export"},
                {"uuid": "m4", "sender": "assistant", "text": "", "content": []}
            ]
        });
        let mut skipped = Skipped::default();
        let session = session(0, &item, &mut skipped).unwrap();
        let texts: Vec<&str> = session.turns.iter().map(|turn| turn.text.as_str()).collect();
        assert_eq!(texts, ["Where to?", "Lisbon", "An older export"]);
        assert_eq!(session.title.as_deref(), Some("Trip"));
        assert_eq!(skipped.lines(), ["1 \u{d7} attachment", "1 \u{d7} block of type thinking"]);
    }
}
