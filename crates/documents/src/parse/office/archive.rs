//! The archive around an Office document: what is unpacked of it is counted, whatever it says of
//! itself, and nothing is ever written anywhere.

use std::{
    borrow::Cow,
    io::{self, BufReader, Cursor, Read},
};

use zip::{ZipArchive, result::ZipError};

use crate::{Limits, ParseError, limits::ARCHIVE_ENTRIES_MAX, parse::pull::unpacked};

pub(super) struct Archive {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    left: u64,
    limit: u64,
    what: &'static str,
}

impl Archive {
    pub(super) fn open(
        bytes: Vec<u8>,
        limits: &Limits,
        what: &'static str,
    ) -> Result<Self, ParseError> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|cause| ParseError::damaged(what, cause))?;
        if zip.len() > ARCHIVE_ENTRIES_MAX {
            return Err(ParseError::too_large(format!(
                "This {what} has {} parts; at most {ARCHIVE_ENTRIES_MAX} are read. Split it and upload the pieces.",
                zip.len()
            )));
        }
        Ok(Self { zip, left: limits.unpacked_bytes, limit: limits.unpacked_bytes, what })
    }

    /// A part's bytes as they are unpacked; `None` if the archive has no such part.
    pub(super) fn part<'s>(
        &'s mut self,
        name: &str,
    ) -> Result<Option<BufReader<impl Read + use<'s>>>, ParseError> {
        let what = self.what;
        match self.zip.by_name(name) {
            Ok(file) => Ok(Some(BufReader::new(Bounded {
                inner: file,
                left: &mut self.left,
                limit: self.limit,
            }))),
            Err(ZipError::FileNotFound) => Ok(None),
            Err(
                ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)
                | ZipError::InvalidPassword,
            ) => Err(ParseError::encrypted(what)),
            Err(cause) => Err(ParseError::damaged(what, cause)),
        }
    }

    /// Unpacks a part only to see that it is neither damaged nor too large.
    pub(super) fn check(&mut self, name: &str) -> Result<(), ParseError> {
        let what = self.what;
        match self.part(name)? {
            Some(mut part) => io::copy(&mut part, &mut io::sink())
                .map(drop)
                .map_err(|cause| unpacked(what, &cause)),
            None => Ok(()),
        }
    }

    /// Names that are no text name nothing that an Office document needs.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.zip.file_names().flatten().map(Cow::into_owned)
    }

    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.zip.into_inner().into_inner()
    }
}

struct Bounded<'a, R> {
    inner: R,
    left: &'a mut u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                *self.left = left;
                Ok(read)
            }
            None => Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("unpacks to more than {} MB", self.limit >> 20),
            )),
        }
    }
}
