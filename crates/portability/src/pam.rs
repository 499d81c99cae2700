//! Portable AI Memory 1.0: <https://portable-ai-memory.org/spec/v1.0>, a memory store document.
//!
//! It holds statements; conversations are documents of their own there, and JSON lines here. What
//! the format has no field for stands under `metadata.backstay`, from which a statement is restored
//! whole.

use std::collections::BTreeMap;

use backstay_core::{
    Error, PortableRecord, Result, Timestamp,
    memory::{MemoryKind, MemoryState, Statement, Validity},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::{Contents, ForeignMemory};

pub(crate) const SCHEMA: &str = "portable-ai-memory";
const VERSION: &str = "1.0";
const SPECIFICATION: &str = "https://portable-ai-memory.org/spec/v1.0";
const PLATFORM: &str = "backstay";
const EXPORTED_BY: &str = concat!("backstay/", env!("CARGO_PKG_VERSION"));

/// The document of a user's statements: all versions of each, in the order of their identifiers.
pub fn document(owner: &str, statements: &[Statement]) -> Result<String> {
    let mut by_id: BTreeMap<&str, Vec<&Statement>> = BTreeMap::new();
    for statement in statements {
        by_id.entry(statement.id.as_str()).or_default().push(statement);
    }
    let memories: Vec<Value> = by_id.values().filter_map(|versions| memory(versions)).collect();
    let canonical = canonical(&Value::Array(memories.clone()));
    let document = json!({
        "schema": SCHEMA,
        "schema_version": VERSION,
        "spec_uri": SPECIFICATION,
        "exported_by": EXPORTED_BY,
        "owner": {"id": owner},
        "integrity": {
            "canonicalization": "RFC8785",
            "checksum": hash(&canonical),
            "total_memories": memories.len(),
        },
        "memories": memories,
    });
    let text = serde_json::to_string_pretty(&document);
    Ok(text.map_err(|cause| Error::internal(format!("not writable as JSON: {cause}")))? + "\n")
}

fn memory(versions: &[&Statement]) -> Option<Value> {
    let (first, newest) = versions.first().zip(versions.last())?;
    let said = &newest.said;
    let (kind, custom) = kind_to_pam(said.kind);
    let confidence = match said.confidence.as_percent() {
        100 => json!(1),
        percent => json!(f64::from(percent) / 100.0),
    };
    let method = if said.learned_by.is_some() { "llm_inference" } else { "explicit_user_input" };
    let created_at = moment(first.recorded_at);
    Some(without_nulls(json!({
        "id": newest.id,
        "type": kind,
        "custom_type": custom,
        "status": status(newest),
        "content": said.text,
        "content_hash": content_hash(&said.text),
        "tags": [],
        "confidence": {"initial": confidence, "current": confidence},
        "temporal": {
            "created_at": created_at,
            "updated_at": moment(newest.recorded_at),
            "valid_from": said.valid.from.map(moment),
            "valid_until": said.valid.to.map(moment),
            "superseded_by": newest.superseded_by,
        },
        "provenance": {
            "platform": PLATFORM,
            "message_ref": said.sources.first().map(|source| &source.episode),
            "extraction_method": method,
            "extracted_at": created_at,
        },
        // A text, because programs that read and write the document may change what is in it.
        "metadata": {"backstay": serde_json::to_string(versions).ok()?},
    })))
}

/// Six digits of a second or none, as the checksums of other programs have it.
fn moment(timestamp: Timestamp) -> String {
    let text = timestamp.to_string();
    match text.trim_end_matches('Z').split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<6}Z"),
        None => text,
    }
}

/// Without the fields that are null, which other programs leave out of their checksums.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.into_iter().filter(|(_, value)| !value.is_null());
            there.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        other => other,
    }
}

fn status(newest: &Statement) -> &'static str {
    match (&newest.superseded_by, &newest.retracted_at, &newest.said.state) {
        (Some(_), _, _) => "superseded",
        (None, Some(_), _) => "retracted",
        (None, None, MemoryState::Quarantined(_)) => "archived",
        (None, None, MemoryState::Active) => "active",
    }
}

fn kind_to_pam(kind: MemoryKind) -> (&'static str, Option<&'static str>) {
    match kind {
        MemoryKind::Fact => ("fact", None),
        MemoryKind::Preference => ("preference", None),
        MemoryKind::Event => ("custom", Some("event")),
        MemoryKind::Plan => ("goal", None),
        MemoryKind::Relation => ("relationship", None),
        MemoryKind::Instruction => ("instruction", None),
    }
}

fn kind_of_pam(memory: &Value) -> MemoryKind {
    match memory["type"].as_str() {
        Some("preference") => MemoryKind::Preference,
        Some("goal" | "project") => MemoryKind::Plan,
        Some("relationship") => MemoryKind::Relation,
        Some("instruction") => MemoryKind::Instruction,
        Some("custom") if memory["custom_type"] == "event" => MemoryKind::Event,
        _ => MemoryKind::Fact,
    }
}

/// A document of ours gives its records back; of another program's the active memories are taken.
pub(crate) fn read(document: &Value) -> Result<Contents> {
    if document["schema_version"].as_str().is_none_or(|version| !version.starts_with("1.")) {
        return Err(Error::invalid("only version 1 of Portable AI Memory can be read"));
    }
    let memories = document["memories"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Option<Vec<&str>> =
        memories.iter().map(|memory| memory["metadata"]["backstay"].as_str()).collect();
    if let Some(ours) = ours {
        let mut records = Vec::new();
        for versions in ours {
            let versions: Vec<Statement> = serde_json::from_str(versions).map_err(|cause| {
                Error::invalid(format!("a memory's `metadata.backstay` is damaged: {cause}"))
            })?;
            records
                .extend(versions.into_iter().map(|one| PortableRecord::Statement(Box::new(one))));
        }
        return Ok(Contents::Records(records));
    }
    let active =
        memories.iter().filter(|memory| memory["status"].as_str().unwrap_or("active") == "active");
    Ok(Contents::Foreign { source: "import:pam", memories: active.filter_map(foreign).collect() })
}

fn foreign(memory: &Value) -> Option<ForeignMemory> {
    let moment = |value: &Value| value.as_str().and_then(Timestamp::parse);
    let temporal = &memory["temporal"];
    let mut metadata = Map::new();
    for name in ["tags", "summary"] {
        if let Some(value) = memory.get(name).filter(|value| !value.is_null()) {
            metadata.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(platform) = memory["provenance"].get("platform") {
        metadata.insert("platform".to_owned(), platform.clone());
    }
    Some(ForeignMemory {
        text: memory["content"].as_str()?.to_owned(),
        kind: kind_of_pam(memory),
        subject: None,
        said_at: moment(&temporal["created_at"]),
        valid: Validity {
            from: moment(&temporal["valid_from"]),
            to: moment(&temporal["valid_until"]),
        },
        metadata,
    })
}

/// The hash of a text in any case, Unicode form and spacing (section 6 of the specification).
fn content_hash(text: &str) -> String {
    let lower: String = text.to_lowercase().nfc().collect();
    hash(&lower.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// RFC 8785 for what is written here: keys in the order of their UTF-16 code units, no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_cached_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            let fields: Vec<String> = fields
                .into_iter()
                .map(|(name, value)| {
                    format!("{}:{}", Value::String(name.clone()), canonical(value))
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_specification_s_example() {
        assert_eq!(
            content_hash("  User is a  cloud infrastructure ENGINEER\n"),
            "sha256:e1bae3ec291c99eced01fc91b4152a0cef541fccf2034fc11b3f90f4e4d79b6e"
        );
    }
}
