//! API keys: found by their hash across the installation, managed within their workspace.

mod change;
mod read;

use backstay_core::{
    Budget, KeyId, KeyScopes, RateLimit, RoutingPolicy, Timestamp, WhenStoreIsAway, WorkspaceId,
};

#[cfg(test)]
pub(crate) const ALL: &[&[(&str, crate::db::Statement)]] = &[change::ALL, read::ALL];

/// A key to be stored: everything but the key itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NewKey {
    pub id: KeyId,
    pub token: KeyToken,
    pub created_at: Timestamp,
    pub settings: KeySettings,
    pub budgets: Vec<Budget>,
}

/// What is kept of the key's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyToken {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// The beginning of the key, to tell it from others.
    pub prefix: String,
    /// Its end.
    pub suffix: String,
}

impl KeyToken {
    /// 64 lowercase digits.
    pub fn hash_in_hex(&self) -> String {
        in_hex(&self.hash)
    }

    /// What people are shown: `bs-0123...cdef`.
    pub fn label(&self) -> String {
        format!("{}...{}", self.prefix, self.suffix)
    }
}

fn in_hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an owner can change of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySettings {
    pub name: String,
    pub expires_at: Option<Timestamp>,
    pub scopes: KeyScopes,
    pub policy: RoutingPolicy,
    pub rate_limits: Vec<RateLimit>,
    /// Whether models of unknown price may be called although there is a budget.
    pub allow_unpriced: bool,
    /// Whether each call goes to the row of its budget, although the store is shared.
    pub strict_budget: bool,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    pub token: KeyToken,
    pub created_at: Timestamp,
    /// `None`: as it was made.
    pub updated_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// Until when the text that the key had before it was rotated is still accepted.
    pub previous_until: Option<Timestamp>,
    pub settings: KeySettings,
    /// Whether the key or its workspace has a budget.
    pub has_budget: bool,
    /// What its workspace has done with calls while the store is not to be reached.
    pub when_store_is_away: WhenStoreIsAway,
}

/// A change of a key; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyChange {
    pub settings: Option<KeySettings>,
    pub disabled: Option<bool>,
    pub budgets: Option<Vec<Budget>>,
}
