//! Which turns and statements a filter lets through.

use backstay_core::memory::RecallFilter;

use super::ScopeIndex;

impl ScopeIndex {
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
