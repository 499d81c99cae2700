//! What became of each setting, with the line it stands on.

use std::fmt::Write as _;

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Means the same in Backstay.
    pub(crate) taken: Vec<Finding>,
    /// Is there, and works in another way.
    pub(crate) changed: Vec<Finding>,
    pub(crate) without_counterpart: Vec<Finding>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Finding {
    pub(crate) line: usize,
    /// Its path in the file, such as `model_list[0].litellm_params.rpm`.
    pub(crate) setting: String,
    pub(crate) note: String,
}

/// Where in the file something stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) setting: String,
}

impl Place {
    pub(super) fn new(line: usize, setting: impl Into<String>) -> Self {
        Self { line, setting: setting.into() }
    }

    pub(super) fn within(&self, line: usize, key: &str) -> Self {
        Self { line, setting: format!("{}.{key}", self.setting) }
    }
}

impl Report {
    pub(super) fn taken(&mut self, place: &Place, note: impl Into<String>) {
        self.taken.push(finding(place, note));
    }

    pub(super) fn changed(&mut self, place: &Place, note: impl Into<String>) {
        self.changed.push(finding(place, note));
    }

    pub(super) fn missing(&mut self, place: &Place, note: impl Into<String>) {
        self.without_counterpart.push(finding(place, note));
    }

    /// In the order of the file.
    pub(super) fn sort(&mut self) {
        for findings in [&mut self.taken, &mut self.changed, &mut self.without_counterpart] {
            findings.sort();
        }
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (title, findings) in [
            ("taken", &self.taken),
            ("changed", &self.changed),
            ("without counterpart", &self.without_counterpart),
        ] {
            // Writing to a string cannot fail.
            writeln!(text, "{title}: {}", findings.len()).ok();
            for Finding { line, setting, note } in findings {
                writeln!(text, "  line {line}: {setting}: {note}").ok();
            }
        }
        text
    }
}

fn finding(place: &Place, note: impl Into<String>) -> Finding {
    Finding { line: place.line, setting: place.setting.clone(), note: note.into() }
}
