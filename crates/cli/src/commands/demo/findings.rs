//! What the run as a whole found.

use serde::Serialize;

use super::{ask::Asked, live::Told};

#[derive(Default, Serialize)]
pub(crate) struct Findings {
    pub(crate) right: usize,
    pub(crate) wrong: usize,
    pub(crate) unjudged: usize,
    pub(crate) live: Option<Told>,
}

impl Findings {
    pub(crate) fn count(&mut self, asked: &Asked) {
        match asked.right {
            Some(true) => self.right += 1,
            Some(false) => self.wrong += 1,
            None => self.unjudged += 1,
        }
    }

    pub(crate) fn all_right(&self) -> bool {
        self.wrong == 0 && self.live.as_ref().is_none_or(|told| told.known)
    }
}
