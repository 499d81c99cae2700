//! How much of everything one file may take.

use serde::{Deserialize, Serialize};

/// An operator may change these; the defaults suit a small server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub file_bytes: u64,
    /// Of all that is unpacked from an archive such as a DOCX.
    pub unpacked_bytes: u64,
    /// Of the text that is found, in UTF-8.
    pub text_bytes: u64,
    pub blocks: u32,
    /// Pages, slides or sheets.
    pub parts: u32,
    /// Of elements within elements.
    pub depth: u32,
    /// Wall clock, from the start of the process.
    pub seconds: u32,
    /// Of the process that parses, resident.
    pub memory_bytes: u64,
    /// How many files are read at the same time.
    pub processes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            unpacked_bytes: 256 << 20,
            text_bytes: 16 << 20,
            blocks: 200_000,
            parts: 5_000,
            depth: 256,
            seconds: 20,
            memory_bytes: 256 << 20,
            processes: 2,
        }
    }
}

/// Longer paragraphs, code and cells are cut into several, so that no message is much longer.
pub(crate) const PIECE_BYTES_MAX: usize = 64 << 10;
pub(crate) const CELL_BYTES_MAX: usize = 16 << 10;
pub(crate) const COLUMNS_MAX: usize = 1_024;
pub(crate) const TABLE_ROWS_MAX: usize = 256;
pub(crate) const ARCHIVE_ENTRIES_MAX: usize = 20_000;
/// The parent reads no longer line. JSON writes a control character in six bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Notes on how a file was read; more of them help nobody.
pub(crate) const NOTES_MAX: usize = 20;

const _: () = assert!(PIECE_BYTES_MAX * 6 < MESSAGE_BYTES_MAX);
const _: () = assert!((PIECE_BYTES_MAX + CELL_BYTES_MAX) * 6 + COLUMNS_MAX * 8 < MESSAGE_BYTES_MAX);
