//! Why a file could not be read: a kind that programs match on, a sentence that a person understands.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    Encrypted,
    Damaged,
    /// The file, what it unpacks to, or the text in it.
    TooLarge,
    TooDeep,
    TooManyParts,
    /// Name and content contradict each other, and the content is not something to read either.
    Mismatched,
    Unsupported,
    /// Nothing to read: an empty file, a scan.
    NoText,
    TimedOut,
    OutOfMemory,
    /// The process that reads files failed for a reason that is not the file's.
    Failed,
}

impl ErrorKind {
    /// Stable and machine-readable.
    pub fn code(self) -> &'static str {
        match self {
            Self::Encrypted => "document_encrypted",
            Self::Damaged => "document_damaged",
            Self::TooLarge => "document_too_large",
            Self::TooDeep => "document_too_deep",
            Self::TooManyParts => "document_too_many_parts",
            Self::Mismatched => "document_type_mismatch",
            Self::Unsupported => "document_type_unsupported",
            Self::NoText => "document_without_text",
            Self::TimedOut => "document_timed_out",
            Self::OutOfMemory => "document_out_of_memory",
            Self::Failed => "document_parser_failed",
        }
    }

    /// Whether the same file may be read at another time.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Failed)
    }
}

/// `message` says what is wrong and what to do; it never holds a path of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub kind: ErrorKind,
    pub message: String,
}

impl ParseError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn encrypted(what: &str) -> Self {
        Self::new(
            ErrorKind::Encrypted,
            format!(
                "This {what} is protected by a password. Save it without one and upload it again."
            ),
        )
    }

    /// `cause` is a parser's own words, which may be of use to who made the file.
    pub(crate) fn damaged(what: &str, cause: impl std::fmt::Display) -> Self {
        let mut cause = cause.to_string();
        if let Some((end, _)) = cause.char_indices().nth(160) {
            cause.truncate(end);
        }
        Self::new(
            ErrorKind::Damaged,
            format!(
                "This {what} is damaged or incomplete ({cause}). Open it in the program that made it, save it again and upload that."
            ),
        )
    }

    pub(crate) fn too_deep(what: &str, limit: u32) -> Self {
        Self::new(
            ErrorKind::TooDeep,
            format!(
                "This {what} is nested more than {limit} levels deep, which no ordinary document is. Flatten it and upload it again."
            ),
        )
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooLarge, message)
    }

    pub(crate) fn failed(cause: impl std::fmt::Display) -> Self {
        Self::new(
            ErrorKind::Failed,
            format!(
                "The process that reads documents failed ({cause}). Try again; if it happens again, ask whoever runs this server."
            ),
        )
    }
}
