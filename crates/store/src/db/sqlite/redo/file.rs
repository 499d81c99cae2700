//! The files of the redo log, and the form of a record in them.
//!
//! A record is its length, the CRC-32 of the rest, its number, and what it says. One that was cut off
//! by the end of the process was never acknowledged: it and what follows it are not read.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

const HEADER_BYTES: usize = 16;
const NAME: &str = "backstay.redo";

/// A file that records are added to, until it is emptied.
pub(super) struct LogFile {
    file: File,
    bytes: u64,
}

/// A record that a file holds, and its number: records of several files are in order by it.
pub(super) type Numbered = (u64, Vec<u8>);

/// The path of the file with this number.
pub(super) fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{NAME}-{number}"))
}

impl LogFile {
    /// Opens the file, makes it where it is not there, and reads what it holds.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Numbered>)> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let mut held = Vec::new();
        file.read_to_end(&mut held)?;
        let bytes = held.len() as u64;
        Ok((Self { file, bytes }, records(&held)))
    }

    /// Adds a record with one call of the operating system. When that fails, nothing of it stays.
    pub(super) fn add(&mut self, number: u64, record: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let length = u32::try_from(record.len()).map_err(too_long)?;
        let number = number.to_le_bytes();
        let mut framed = Vec::with_capacity(HEADER_BYTES + record.len());
        framed.extend_from_slice(&length.to_le_bytes());
        framed.extend_from_slice(&checksum(number, record).to_le_bytes());
        framed.extend_from_slice(&number);
        framed.extend_from_slice(record);
        if let Err(cause) = self.file.write_all(&framed) {
            // What a full disk left of it would hide the records after it.
            self.file.set_len(self.bytes)?;
            return Err(cause);
        }
        self.bytes += framed.len() as u64;
        Ok(())
    }

    pub(super) fn empty(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.bytes = 0;
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn records(mut held: &[u8]) -> Vec<Numbered> {
    let mut found = Vec::new();
    while let Some((record, rest)) = next(held) {
        found.push(record);
        held = rest;
    }
    found
}

fn next(held: &[u8]) -> Option<(Numbered, &[u8])> {
    let (length, rest) = held.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (record, rest) = rest.split_at_checked(length)?;
    let whole = checksum(*number, record) == u32::from_le_bytes(*sum);
    whole.then(|| ((u64::from_le_bytes(*number), record.to_vec()), rest))
}

fn checksum(number: [u8; 8], record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&number);
    sum.update(record);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_up_to_one_that_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), 0);
        let (mut file, held) = LogFile::open(&path).unwrap();
        assert!(held.is_empty());
        for (number, record) in [(7, "one"), (8, ""), (9, "three")] {
            file.add(number, record.as_bytes()).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len() as u64, file.bytes());
        let all: Vec<Numbered> =
            vec![(7, b"one".to_vec()), (8, Vec::new()), (9, b"three".to_vec())];
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (_, held) = LogFile::open(&path).unwrap();
            let expected = [19, 35, 56].iter().filter(|end| **end <= cut).count();
            assert_eq!(held, all[..expected], "cut at {cut}");
        }
        for damaged in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[damaged] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            let (_, held) = LogFile::open(&path).unwrap();
            assert_eq!(held, all[..held.len()], "damaged at {damaged}");
            assert!(held.len() < all.len(), "damaged at {damaged}");
        }
    }
}
