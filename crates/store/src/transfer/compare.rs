//! What tells two copies of a table apart.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::table::Cell;

/// Of rows in the order in which they are added.
#[derive(Default)]
pub(super) struct Checksum {
    rows: u64,
    digest: Sha256,
}

impl Checksum {
    pub(super) fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        for cell in row {
            match cell {
                Cell::Null => self.part(0, &[]),
                Cell::Integer(integer) => self.part(1, &integer.to_be_bytes()),
                // PostgreSQL keeps no NUL in a text; the store puts this character in its place.
                Cell::Text(text) if text.contains('\0') => {
                    self.part(2, text.replace('\0', "\u{fffd}").as_bytes());
                }
                Cell::Text(text) => self.part(2, text.as_bytes()),
                Cell::Blob(bytes) => self.part(3, bytes),
            }
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn finish(self) -> (u64, String) {
        let mut digits = String::new();
        for byte in self.digest.finalize() {
            let _never_fails = write!(digits, "{byte:02x}");
        }
        (self.rows, digits)
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.digest.update([kind]);
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }
}
