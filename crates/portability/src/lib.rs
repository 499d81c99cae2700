//! Memory in files: what Backstay writes, and what it reads of its own and of others'.
//!
//! Nothing here knows the store or HTTP: records in, text out, and the reverse. What is written says
//! nothing of when or where it was written, so that the same memory is the same file, byte for byte.

mod detect;
mod foreign;
pub mod jsonl;
pub mod markdown;
pub mod pam;

use backstay_core::{
    PortableRecord, Timestamp,
    memory::{MemoryKind, Validity},
};
use serde_json::{Map, Value};

pub use detect::{Imported, read};

/// What Backstay writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One record a line; everything there is.
    Jsonl,
    /// Everything there is, for people to read; the records stand in comments.
    Markdown,
    /// Portable AI Memory 1.0, for other programs: statements, not conversations.
    Pam,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Markdown, Self::Pam];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Pam => "pam",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/x-ndjson",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Pam => "application/json",
        }
    }
}

/// A memory that another program kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignMemory {
    pub text: String,
    pub kind: MemoryKind,
    pub subject: Option<String>,
    /// `None` where the file does not say.
    pub said_at: Option<Timestamp>,
    pub valid: Validity,
    pub metadata: Map<String, Value>,
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// Backstay's own, with their identifiers.
    Records(Vec<PortableRecord>),
    /// Another program's.
    Foreign { source: &'static str, memories: Vec<ForeignMemory> },
}
