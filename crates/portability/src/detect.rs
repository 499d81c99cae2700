//! Which of the formats a text is in.

use backstay_core::{Error, Result};
use serde_json::Value;

use crate::{Contents, foreign, jsonl, markdown, pam};

/// What was read, and as what.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// `jsonl`, `markdown`, `pam`, `mem0`, `mcp` or `text`.
    pub format: &'static str,
    pub contents: Contents,
}

/// Reads a text in the format that it looks like; what looks like none is one memory a line.
///
/// Fails with `invalid_request` when it looks like a format and breaks its rules, and for exports of
/// conversations, which are imported another way.
pub fn read(text: &str) -> Result<Imported> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(markdown::HEADER.lines().next().unwrap_or_default()) {
        let contents = Contents::Records(markdown::read(text)?);
        return Ok(Imported { format: "markdown", contents });
    }
    if !text.starts_with(['{', '[']) || is_dated(text) {
        let contents = Contents::Foreign { source: "import:text", memories: foreign::text(text) };
        return Ok(Imported { format: "text", contents });
    }
    match serde_json::from_str::<Value>(text) {
        Ok(document) => whole(&document, text),
        Err(_) => lines(text),
    }
}

/// `[2025-03-01] - text` begins with a bracket and is no JSON.
fn is_dated(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.starts_with('[') && first.contains(']') && serde_json::from_str::<Value>(text).is_err()
}

fn whole(document: &Value, text: &str) -> Result<Imported> {
    if document["schema"] == pam::SCHEMA {
        return Ok(Imported { format: "pam", contents: pam::read(document)? });
    }
    if document["type"].is_string() {
        return lines(text);
    }
    if let Some(memories) = foreign::mem0(document) {
        let contents = Contents::Foreign { source: "import:mem0", memories };
        return Ok(Imported { format: "mem0", contents });
    }
    let is_conversation = |value: &Value| {
        ["mapping", "chat_messages", "sessions", "conversation"]
            .iter()
            .any(|name| value.get(name).is_some())
    };
    let first = document.get(0).unwrap_or(document);
    let message = if is_conversation(first) {
        "these are conversations, not memories; `backstay import` sends them turn by turn"
    } else {
        "this JSON is none of the formats that can be read: Backstay's own, Portable AI Memory, \
         mem0, MCP memory"
    };
    Err(Error::invalid(message))
}

fn lines(text: &str) -> Result<Imported> {
    let first = text.lines().next().unwrap_or_default();
    let is_own = jsonl::is_header(first)
        || first.starts_with("{\"type\":\"thread\"")
        || first.starts_with("{\"type\":\"statement\"");
    if is_own {
        let contents = Contents::Records(jsonl::read(text)?);
        return Ok(Imported { format: "jsonl", contents });
    }
    let mut memories = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read = serde_json::from_str::<Value>(line).ok();
        let found = read.as_ref().and_then(foreign::of_mcp).ok_or_else(|| {
            Error::invalid(format!(
                "line {} is neither a record of Backstay's nor one of MCP's memory server",
                index + 1
            ))
        })?;
        memories.extend(found);
    }
    let contents = Contents::Foreign { source: "import:mcp", memories };
    Ok(Imported { format: "mcp", contents })
}

#[cfg(test)]
mod tests {
    use backstay_core::memory::MemoryKind;

    use super::*;

    fn foreign_texts(text: &str) -> (&'static str, Vec<String>) {
        let imported = read(text).unwrap();
        let Contents::Foreign { memories, .. } = imported.contents else { panic!("own records") };
        (imported.format, memories.into_iter().map(|memory| memory.text).collect())
    }

    #[test]
    fn other_programs_memories_are_recognised() {
        let mem0 = r#"{"results": [{"id": "1", "memory": "Likes tea", "user_id": "ann",
            "created_at": "2025-03-01T10:00:00.000000-07:00", "categories": ["food"]}]}"#;
        assert_eq!(foreign_texts(mem0), ("mem0", vec!["Likes tea".to_owned()]));
        let mcp = "{\"type\":\"entity\",\"name\":\"Ann\",\"entityType\":\"person\",\
                   \"observations\":[\"Speaks Dutch\",\"Lives in Ghent\"]}\n\
                   {\"type\":\"relation\",\"from\":\"Ann\",\"to\":\"Acme\",\"relationType\":\"works_at\"}\n";
        let (format, texts) = foreign_texts(mcp);
        assert_eq!(format, "mcp");
        assert_eq!(texts, ["Ann: Speaks Dutch", "Ann: Lives in Ghent", "Ann works at Acme"]);
        let block = "What I know:\n- Ann lives in Ghent\n2. Ann has 2 dogs\n[2025-03-01] - Likes tea\n\
                     [unknown] - Runs\n\n```\nplain\n";
        let (format, texts) = foreign_texts(block);
        assert_eq!(format, "text");
        assert_eq!(texts, ["Ann lives in Ghent", "Ann has 2 dogs", "Likes tea", "Runs", "plain"]);
        assert_eq!(foreign_texts("[2025-03-01] - Likes tea").1, ["Likes tea"]);
    }

    #[test]
    fn another_programs_pam_gives_its_active_memories() {
        let pam = r#"{"schema": "portable-ai-memory", "schema_version": "1.0", "owner": {"id": "u"},
            "memories": [
              {"id": "1", "type": "goal", "content": "Run a marathon", "content_hash": "x",
               "temporal": {"created_at": "2025-03-01T10:00:00Z", "valid_until": "2026-01-01T00:00:00Z"},
               "provenance": {"platform": "chatgpt"}},
              {"id": "2", "type": "fact", "status": "retracted", "content": "Gone", "content_hash": "x",
               "temporal": {"created_at": "2025-03-01T10:00:00Z"}, "provenance": {"platform": "chatgpt"}}
            ]}"#;
        let Contents::Foreign { memories, source } = read(pam).unwrap().contents else { panic!() };
        assert_eq!((memories.len(), source), (1, "import:pam"));
        assert_eq!(memories[0].kind, MemoryKind::Plan);
        assert!(memories[0].said_at.is_some() && memories[0].valid.to.is_some());
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        for (text, advice) in [
            (r#"[{"mapping": {}}]"#, "backstay import"),
            (r#"{"hello": 1}"#, "none of the formats"),
            ("{\"type\":\"entity\"}\n{\"type\":\"x\"}", "line 1"),
            ("{\"type\":\"header\",\"format\":\"backstay-memory\",\"version\":2}\n", "newer"),
            ("{\"type\":\"thread\"}\n", "line 1"),
            (r#"{"schema": "portable-ai-memory", "schema_version": "2.0"}"#, "version 1"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message().contains(advice), "{text}: {error}");
        }
    }
}
