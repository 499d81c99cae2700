//! Which turns and statements a filter lets through.

use backstay_core::{ThreadId, memory::RecallFilter};

use super::ScopeIndex;

impl ScopeIndex {
    /// Whether the prompt shows a turn already: those of a thread from a position on.
    pub(crate) fn is_shown(&self, number: u32, shown: Option<&(ThreadId, u32)>) -> bool {
        shown.is_some_and(|(thread, from)| {
            self.turn(number).position >= *from
                && self.conversation(number).thread.as_ref() == Some(thread)
        })
    }

    pub(crate) fn passes(&self, number: u32, filter: &RecallFilter) -> bool {
        let turn = self.turn(number);
        let is_of_thread = |number: u32| self.conversation(number).thread == filter.thread;
        filter.covers(turn.said_at)
            && (filter.metadata.is_empty() || self.has_metadata(&turn.id, &filter.metadata))
            && (filter.thread.is_none()
                || is_of_thread(number)
                || self.sources(&turn.id).any(is_of_thread))
    }
}
