//! Limits of a statement, and what makes two statements the same.

use backstay_core::{
    Error, Result,
    memory::{MemoryState, NewStatement, Scope, SourceQuote, VERBATIM_SOURCE},
};

use super::StatementChange;
use crate::{digest::digest, scopes::scope_user};

/// The longest statement: a sentence or a few, never a document.
pub const STATEMENT_BYTES_MAX: usize = 4_096;
/// The longest of those that an application keeps word for word.
pub const VERBATIM_BYTES_MAX: usize = 1024 * 1024;
/// The longest quote of a turn.
pub const QUOTE_BYTES_MAX: usize = 2_048;
/// Turns that one statement rests on.
pub const STATEMENT_SOURCES_MAX: usize = 64;
/// Changes in one transaction.
pub const STATEMENT_CHANGES_MAX: usize = 1_000;
/// Subject, source, learner: names, not texts.
const NAME_BYTES_MAX: usize = 256;
const REASON_BYTES_MAX: usize = 1_024;
const METADATA_BYTES_MAX: usize = 16 * 1_024;

/// Fails with `invalid_request` at the first statement that breaks a limit.
pub(crate) fn check_all(changes: &[StatementChange]) -> Result<()> {
    if changes.len() > STATEMENT_CHANGES_MAX {
        let message = format!("one call changes at most {STATEMENT_CHANGES_MAX} memories");
        return Err(Error::invalid(message));
    }
    for change in changes {
        match change {
            StatementChange::Add(statement)
            | StatementChange::Revise { statement, .. }
            | StatementChange::Supersede { by: statement, .. } => check(statement)?,
            StatementChange::Merge { statement, sources, .. } => {
                check(statement)?;
                check_sources(sources)?;
            }
            StatementChange::Retract { .. } => {}
        }
    }
    Ok(())
}

pub(crate) fn check(statement: &NewStatement) -> Result<()> {
    let NewStatement { text, subject, valid, source, learned_by, sources, .. } = statement;
    let text_max = if statement.is_verbatim() { VERBATIM_BYTES_MAX } else { STATEMENT_BYTES_MAX };
    length("text", text.trim(), 1, text_max)?;
    length("source", source, 1, NAME_BYTES_MAX)?;
    length("subject", subject.as_deref().unwrap_or_default(), 0, NAME_BYTES_MAX)?;
    length("learned_by", learned_by.as_deref().unwrap_or_default(), 0, NAME_BYTES_MAX)?;
    if let MemoryState::Quarantined(reason) = &statement.state {
        length("reason", reason, 1, REASON_BYTES_MAX)?;
    }
    if valid.from.zip(valid.to).is_some_and(|(from, to)| to < from) {
        return Err(Error::invalid("a memory cannot end before it begins").with_parameter("valid"));
    }
    let metadata = serde_json::to_string(&statement.metadata).map_or(usize::MAX, |m| m.len());
    if metadata > METADATA_BYTES_MAX {
        let message = format!("metadata is at most {METADATA_BYTES_MAX} bytes of JSON");
        return Err(Error::invalid(message).with_parameter("metadata"));
    }
    check_sources(sources)
}

fn check_sources(sources: &[SourceQuote]) -> Result<()> {
    if sources.len() > STATEMENT_SOURCES_MAX {
        let message = format!("a memory rests on at most {STATEMENT_SOURCES_MAX} turns");
        return Err(Error::invalid(message).with_parameter("sources"));
    }
    sources.iter().try_for_each(|source| length("quote", &source.quote, 0, QUOTE_BYTES_MAX))
}

fn length(parameter: &'static str, text: &str, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&text.len()) {
        return Ok(());
    }
    let message = format!("{parameter} has {min} to {max} bytes, not {}", text.len());
    Err(Error::invalid(message).with_parameter(parameter))
}

/// The hash of what a statement says. Case, spaces and the end of the sentence do not count, unless it is
/// kept word for word: then every byte does, and so does what is kept beside it.
pub(crate) fn content_hash(said: &NewStatement) -> [u8; 32] {
    let NewStatement { kind, text, metadata, .. } = said;
    if said.is_verbatim() {
        let beside = serde_json::to_string(metadata).unwrap_or_default();
        return digest(&[VERBATIM_SOURCE.as_bytes(), text.as_bytes(), beside.as_bytes()]);
    }
    digest(&[kind.as_str().as_bytes(), normalised(text).as_bytes()])
}

/// The hash that a scope remembers a forgotten statement by.
pub(crate) fn tombstone(scope: &Scope, content_hash: &[u8]) -> [u8; 32] {
    let (assistant, user) = (scope.assistant.as_str().as_bytes(), scope_user(scope).as_bytes());
    digest(&[b"statement", assistant, user, content_hash])
}

/// What the identifier of a statement is made of: its scope, what it says, and how many before it
/// said the same.
pub(super) fn identity(scope: &Scope, content_hash: &[u8; 32], number: u64) -> [u8; 32] {
    let (assistant, user) = (scope.assistant.as_str().as_bytes(), scope_user(scope).as_bytes());
    digest(&[assistant, user, content_hash, &number.to_le_bytes()])
}

fn normalised(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").trim_end_matches(['.', '!', '\u{3002}']).to_owned()
}

#[cfg(test)]
mod tests {
    use backstay_core::{
        Timestamp,
        memory::{Confidence, MemoryKind, Trust, Validity},
    };

    use super::*;

    fn said(kind: MemoryKind, text: &str, source: &str) -> NewStatement {
        NewStatement {
            text: text.to_owned(),
            kind,
            subject: None,
            confidence: Confidence::CERTAIN,
            trust: Trust::DirectUser,
            state: MemoryState::Active,
            valid: Validity::default(),
            said_at: Timestamp::default(),
            expires_at: None,
            pinned: false,
            source: source.to_owned(),
            learned_by: None,
            sources: Vec::new(),
            metadata: serde_json::Map::new(),
        }
    }

    #[test]
    fn case_spaces_and_the_full_stop_make_no_other_statement_but_words_and_kind_do() {
        let hash = |text| content_hash(&said(MemoryKind::Fact, text, "api"));
        assert_eq!(hash("Ann lives in Ghent"), hash(" ann  lives in\nGHENT. "));
        assert_ne!(hash("Ann lives in Ghent"), hash("Ann lives in Genk"));
        assert_ne!(hash("Ann runs"), content_hash(&said(MemoryKind::Plan, "Ann runs", "api")));
    }

    #[test]
    fn what_is_kept_word_for_word_is_told_apart_by_every_byte() {
        let hash = |text| content_hash(&said(MemoryKind::Fact, text, VERBATIM_SOURCE));
        assert_ne!(hash("{\"a\": 1}"), hash("{\"A\": 1}"));
        assert_eq!(hash("{\"a\": 1}"), hash("{\"a\": 1}"));
        let long = said(MemoryKind::Fact, &"x".repeat(200_000), VERBATIM_SOURCE);
        assert!(check(&long).is_ok());
        assert!(check(&NewStatement { source: "api".to_owned(), ..long }).is_err());
    }
}
