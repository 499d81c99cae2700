//! What of an export was left out.

use std::collections::HashMap;

/// Counts by what it is.
#[derive(Default)]
pub(crate) struct Skipped(HashMap<String, usize>);

impl Skipped {
    pub(super) fn count(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    /// For the person who imports, in alphabetical order.
    pub(crate) fn lines(self) -> Vec<String> {
        let mut lines: Vec<_> =
            self.0.into_iter().map(|(what, count)| format!("{count} \u{d7} {what}")).collect();
        lines.sort();
        lines
    }
}
