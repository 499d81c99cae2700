//! Settings of the engine that an operator may change.

use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineOptions {
    /// Tokens of recalled memories in one prompt.
    pub budget_tokens: u64,
    /// Tokens of thread history in one prompt; older turns are left to recall.
    pub history_tokens: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { budget_tokens: 1_000, history_tokens: 32_000 }
    }
}
