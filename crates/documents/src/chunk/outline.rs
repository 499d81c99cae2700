//! The headings that the present block stands under.

use crate::Source;

#[derive(Default)]
pub(super) struct Outline {
    headings: Vec<Heading>,
    /// Where the last block stood.
    place: Option<Source>,
}

struct Heading {
    level: u8,
    text: String,
    source: Source,
    /// Whether it is in the path of some chunk.
    used: bool,
}

/// A heading that no chunk carries: those above it, its text, its place.
pub(super) type Lone = (Vec<String>, String, Source);

impl Outline {
    pub(super) fn place(&self) -> Option<&Source> {
        self.place.as_ref()
    }

    pub(super) fn stand_at(&mut self, source: &Source) {
        self.place = Some(source.clone());
    }

    pub(super) fn path(&self) -> Vec<String> {
        self.headings.iter().map(|heading| heading.text.clone()).collect()
    }

    pub(super) fn mark_used(&mut self) {
        self.headings.iter_mut().for_each(|heading| heading.used = true);
    }

    /// A new heading ends all of its own level and below.
    pub(super) fn enter(&mut self, level: u8, text: &str, source: &Source) -> Vec<Lone> {
        let kept = self
            .headings
            .iter()
            .position(|heading| heading.level >= level)
            .unwrap_or(self.headings.len());
        let lone = self.leave(kept);
        self.headings.push(Heading {
            level,
            text: text.to_owned(),
            source: source.clone(),
            used: false,
        });
        lone
    }

    /// The end of the document, of a slide or of a sheet.
    pub(super) fn enter_nothing(&mut self) -> Vec<Lone> {
        self.leave(0)
    }

    /// Of the headings that end, only the innermost is told if it is unused: it carries the others.
    fn leave(&mut self, kept: usize) -> Vec<Lone> {
        let last_is_lone =
            kept < self.headings.len() && self.headings.last().is_some_and(|heading| !heading.used);
        if !last_is_lone {
            self.headings.truncate(kept);
            return Vec::new();
        }
        self.mark_used();
        let mut path = self.path();
        let text = path.pop().unwrap_or_default();
        let source = self.headings.last().map(|heading| heading.source.clone());
        self.headings.truncate(kept);
        source.map(|source| (path, text, source)).into_iter().collect()
    }
}
