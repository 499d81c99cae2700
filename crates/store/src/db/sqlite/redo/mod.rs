//! A redo log: what a unit of work writes is durable at once, as a record of a file, and enters the
//! tables a moment later, with others in one transaction (a redo log as Gray and Reuter describe it).
//!
//! Adding a record is one short write; a transaction of SQLite's is ten of whole pages. Whoever reads
//! or writes the tables waits until what was added before has entered them, so that nobody sees the
//! difference; a unit of work that joins a transaction also waits for what was added since that began.
//! After a crash the records are carried out at the next start, those that had entered the tables
//! already once more: so each has to change nothing the second time.
//!
//! Before a record is added it must be certain that it will succeed. That can be judged without the
//! tables for one kind of work: what begins under a name that nobody used, and what ends it.

mod carry_out;
mod file;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use backstay_core::{Error, ErrorCode, Result};

pub(super) use self::carry_out::{Urgency, carry_out, join, recover};
use self::file::LogFile;
use crate::db::{Failure, Session};

/// Records that wait for the tables. Who comes then writes to the tables, which takes those along.
const WAITING_MAX: usize = 4_096;

/// Carries a record out. Doing it again changes nothing.
pub(crate) type Redo = Box<dyn Fn(&Session<'_>) -> Result<(), Failure> + Send>;

/// What a record does to the name it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begins,
    Ends,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is durable, and everyone will find it done.
    Done,
    /// Something has begun under this name and not ended.
    Taken,
    /// It has to be done in the tables: the log is full or closed, or the name did not begin in it.
    Refused,
}

pub(crate) struct RedoLog {
    folder: PathBuf,
    state: Mutex<State>,
    /// Records whose work is not committed yet.
    uncommitted: AtomicUsize,
    changed: Condvar,
}

struct State {
    file: LogFile,
    /// Empty files.
    spare: Vec<LogFile>,
    files: usize,
    /// Of the next record.
    number: u64,
    waiting: Vec<Redo>,
    begun: HashSet<String>,
    closed: bool,
}

/// Records that are being carried out, and the files that hold them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) work: Vec<Redo>,
    files: Vec<LogFile>,
}

impl RedoLog {
    /// Opens the log in the folder and reads what is left in it, in the order in which it was added.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Vec<u8>>)> {
        let (mut spare, mut left) = (Vec::new(), Vec::new());
        while spare.is_empty() || file::path(folder, spare.len()).exists() {
            let path = file::path(folder, spare.len());
            let (file, held) = LogFile::open(&path).map_err(|cause| unwritable(&path, &cause))?;
            spare.push(file);
            left.extend(held);
        }
        left.sort_by_key(|(number, _)| *number);
        let files = spare.len();
        let file = spare.remove(0);
        let (waiting, begun) = (Vec::new(), HashSet::new());
        let state = State { file, spare, files, number: 0, waiting, begun, closed: false };
        let log = Self {
            folder: folder.to_owned(),
            state: Mutex::new(state),
            uncommitted: AtomicUsize::new(0),
            changed: Condvar::new(),
        };
        Ok((log, left.into_iter().map(|(_, record)| record).collect()))
    }

    /// Empties every file, when what was left has entered the tables.
    pub(super) fn clear(&self) -> Result<()> {
        let mut state = self.state();
        let State { file, spare, .. } = &mut *state;
        for (number, file) in [file].into_iter().chain(spare).enumerate() {
            file.empty().map_err(|cause| unwritable(&file::path(&self.folder, number), &cause))?;
        }
        Ok(())
    }

    /// Makes the record durable. When that is refused or fails, nothing has happened.
    pub(crate) fn add(&self, step: Step, name: &str, record: &[u8], redo: Redo) -> Result<Added> {
        let mut state = self.state();
        let known = state.begun.contains(name);
        if state.closed || state.waiting.len() >= WAITING_MAX || (step == Step::Ends && !known) {
            return Ok(Added::Refused);
        }
        if step == Step::Begins && known {
            return Ok(Added::Taken);
        }
        let number = state.number;
        let written = state.file.add(number, record);
        written.map_err(|cause| unwritable(&self.folder, &cause))?;
        state.number += 1;
        match step {
            Step::Begins => state.begun.insert(name.to_owned()),
            Step::Ends => state.begun.remove(name),
        };
        state.waiting.push(redo);
        self.uncommitted.fetch_add(1, Ordering::Release);
        if state.waiting.len() == 1 {
            self.changed.notify_all();
        }
        Ok(Added::Done)
    }

    /// Notes that something ended which began in the log, when its end was written to the tables.
    pub(crate) fn forget(&self, name: &str) {
        self.state().begun.remove(name);
    }

    /// Whether everything that was added is in the tables.
    pub(super) fn is_committed(&self) -> bool {
        self.uncommitted.load(Ordering::Acquire) == 0
    }

    /// Takes what waits, for the holder of the writing connection to carry out; later records go to
    /// another file.
    pub(super) fn take(&self, batch: &mut Batch) -> Result<()> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return Ok(());
        }
        let next = match state.spare.pop() {
            Some(file) => file,
            None => {
                let path = file::path(&self.folder, state.files);
                let (file, _) = LogFile::open(&path).map_err(|cause| unwritable(&path, &cause))?;
                state.files += 1;
                file
            }
        };
        batch.files.push(std::mem::replace(&mut state.file, next));
        batch.work.append(&mut state.waiting);
        Ok(())
    }

    /// Empties the files of a batch whose work is committed.
    pub(super) fn committed(&self, batch: Batch) {
        self.uncommitted.fetch_sub(batch.work.len(), Ordering::Release);
        let mut emptied = batch.files;
        emptied.retain_mut(|file| match file.empty() {
            Ok(()) => true,
            Err(cause) => {
                // Carried out once more at the next start, which changes nothing.
                tracing::warn!(%cause, "a file of the redo log was not emptied");
                false
            }
        });
        self.state().spare.append(&mut emptied);
    }

    /// Blocks until records have waited for `delay`. False when the log is closed.
    pub(super) fn wait(&self, delay: Duration) -> bool {
        let empty = |state: &mut State| !state.closed && state.waiting.is_empty();
        let state = self.changed.wait_while(self.state(), empty);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let open = |state: &mut State| !state.closed;
        let waited = self.changed.wait_timeout_while(state, delay, open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.closed
    }

    /// Blocks for `delay`, or until the log is closed.
    pub(super) fn rest(&self, delay: Duration) {
        let open = |state: &mut State| !state.closed;
        drop(self.changed.wait_timeout_while(self.state(), delay, open));
    }

    /// Refuses further records.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Bytes of records that are not in the tables yet.
    pub(super) fn bytes(&self) -> u64 {
        self.state().file.bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unwritable(path: &Path, cause: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        ErrorCode::StoreUnavailable,
        format!("{path} cannot be written: {cause}; check the disk and its permissions"),
    )
}
