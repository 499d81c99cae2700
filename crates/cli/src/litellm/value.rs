//! How LiteLLM writes values: in place, or as the name of an environment variable.

use super::yaml::Node;

const VARIABLE_PREFIX: &str = "os.environ/";

/// May hold a secret, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Source {
    Literal(String),
    Variable(String),
}

/// `None` for nothing, a list or a mapping.
pub(super) fn source(node: &Node) -> Option<Source> {
    let text = node.text()?.trim();
    if text.is_empty() {
        return None;
    }
    Some(match text.strip_prefix(VARIABLE_PREFIX) {
        Some(variable) => Source::Variable(variable.to_owned()),
        None => Source::Literal(text.to_owned()),
    })
}

/// A whole number above 0.
pub(super) fn positive(node: &Node) -> Option<u64> {
    node.text()?.replace('_', "").parse().ok().filter(|number| *number > 0)
}

/// Seconds as whole milliseconds above 0.
pub(super) fn milliseconds(node: &Node) -> Option<u64> {
    let seconds: f64 = node.text()?.parse().ok()?;
    let milliseconds = (seconds * 1_000.0).round();
    // A day is longer than any call; beyond it the number is a mistake.
    (1.0..=86_400_000.0).contains(&milliseconds).then_some(milliseconds as u64)
}

/// Words that people write where a server wants no key but a client insists on one.
const PLACEHOLDERS: &[&str] = &[
    "anything",
    "dummy",
    "dummy-key",
    "empty",
    "fake",
    "fake-key",
    "no-key",
    "no-key-required",
    "none",
    "not-needed",
    "null",
];

pub(super) fn is_placeholder(key: &str) -> bool {
    let key = key.to_lowercase();
    PLACEHOLDERS.contains(&key.strip_prefix("sk-").unwrap_or(&key))
}
