//! How much of documents there may be.

use std::collections::HashMap;

use backstay_core::WorkspaceId;
use backstay_store::DocumentQuota;

/// Settings that an operator may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentOptions {
    /// Of every workspace that has none of its own.
    pub limits: DocumentLimits,
    pub of_workspaces: HashMap<WorkspaceId, DocumentLimits>,
}

/// How much one workspace may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Of one file.
    pub file_bytes_max: u64,
    pub quota: DocumentQuota,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            file_bytes_max: 64 << 20,
            quota: DocumentQuota { documents: 10_000, bytes: 10 << 30 },
        }
    }
}

impl DocumentOptions {
    pub(super) fn limits_of(&self, workspace: &WorkspaceId) -> DocumentLimits {
        self.of_workspaces.get(workspace).copied().unwrap_or(self.limits)
    }
}
