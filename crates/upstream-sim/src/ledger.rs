//! What the simulator would charge for: one entry for each answer that it began.
//!
//! A provider charges for the prompt it read and the tokens it made, whether or not the client was
//! there to hear them all. A refusal costs nothing.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// Entries that are kept; a run that makes more reads the ledger in between.
const ENTRIES_MAX: usize = 1_000_000;
const TEXT_CHARACTERS_MAX: usize = 64;

/// One charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// Number of the request.
    pub request: u64,
    /// The model's name, with its script.
    pub model: String,
    /// The beginning of what the user said last, by which tests tell requests apart.
    pub text: String,
    /// Tokens of the prompt, cached or not.
    pub prompt_tokens: u64,
    /// Tokens that were sent, or made for an answer that is sent whole.
    pub completion_tokens: u64,
    /// Whether the client took the whole answer.
    pub completed: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Charge>>>);

impl Ledger {
    pub(crate) fn all(&self) -> Vec<Charge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Begins an entry, which is written when it is dropped.
    pub(crate) fn open(
        &self,
        request: u64,
        model: &str,
        text: &str,
        prompt_tokens: u64,
    ) -> OpenCharge {
        let text = text.chars().take(TEXT_CHARACTERS_MAX).collect();
        let charge = Charge {
            request,
            model: model.to_owned(),
            text,
            prompt_tokens,
            completion_tokens: 0,
            completed: false,
        };
        OpenCharge { ledger: self.clone(), charge }
    }
}

/// A charge whose answer is under way.
#[derive(Debug)]
pub(crate) struct OpenCharge {
    ledger: Ledger,
    charge: Charge,
}

impl OpenCharge {
    pub(crate) fn add(&mut self, tokens: u64) {
        self.charge.completion_tokens += tokens;
    }

    pub(crate) fn complete(&mut self) {
        self.charge.completed = true;
    }
}

impl Drop for OpenCharge {
    fn drop(&mut self) {
        let mut entries = self.ledger.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < ENTRIES_MAX {
            entries.push(self.charge.clone());
        }
    }
}
