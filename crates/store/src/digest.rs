//! Content hashes: what makes a second import of the same turn the same.

use sha2::{Digest as _, Sha256};

/// SHA-256 over parts, each with its length before it, so that moving text from one part to the
/// next makes another hash.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The first 104 bits as hexadecimal digits: an identifier of the usual length.
pub(crate) fn identifier_digits(hash: &[u8; 32]) -> String {
    hash.iter().take(13).map(|byte| format!("{byte:02x}")).collect()
}
