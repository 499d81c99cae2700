//! Options that narrow a recall.

use clap::Args;
use serde_json::{Map, Value, json};

/// Which memories are looked at; all of them without options.
#[derive(Args)]
pub(super) struct Filter {
    /// Only turns of this thread, and statements that rest on one.
    #[arg(long)]
    thread: Option<String>,
    /// Only what was said at this moment or later (RFC 3339).
    #[arg(long, value_name = "MOMENT")]
    from: Option<String>,
    /// Only what was said before this moment (RFC 3339).
    #[arg(long, value_name = "MOMENT")]
    to: Option<String>,
    /// Only statements with this metadata; may be repeated.
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_value)]
    metadata: Vec<(String, Value)>,
}

impl Filter {
    pub(super) fn to_json(&self) -> Value {
        let metadata: Map<String, Value> = self.metadata.iter().cloned().collect();
        json!({"thread": self.thread, "from": self.from, "to": self.to, "metadata": metadata})
    }
}

/// `band=brass`, `year=1999`, `open=true`: numbers, truth values and null are such, all else is text.
pub(super) fn key_value(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            Ok((key.to_owned(), value))
        }
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}
