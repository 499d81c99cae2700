//! How much of documents there may be.

use backstay_store::DocumentQuota;

/// Settings that an operator may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentOptions {
    /// Of one file.
    pub file_bytes_max: u64,
    /// Of each workspace.
    pub quota: DocumentQuota,
}

impl Default for DocumentOptions {
    fn default() -> Self {
        Self {
            file_bytes_max: 64 << 20,
            quota: DocumentQuota { documents: 10_000, bytes: 10 << 30 },
        }
    }
}
