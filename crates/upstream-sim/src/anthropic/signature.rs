//! Signatures of thinking blocks: they prove that the text came from here and was not changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::embedding::fnv1a;

/// The signature of a thinking text. Not a secret: it only shows whether a client passed the block
/// on as it was.
pub(crate) fn sign(thinking: &str) -> String {
    STANDARD.encode(format!("upstream-sim/{:016x}", fnv1a(thinking.bytes())))
}
