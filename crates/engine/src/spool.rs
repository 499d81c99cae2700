//! Calls that were answered while the store was not to be reached, until it has them.
//!
//! A file in the server's data folder, one line for what is begun and one for how it ended, each on the
//! disk before the call goes on. When the store is back its calls are entered there, each once, and the
//! file is emptied. What a process that died left is entered by the next one that starts there.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use backstay_core::{Error, ErrorCode, GenerationId, Result, Timestamp, WorkspaceId};
use backstay_store::{NewGeneration, SettledGeneration, Store};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A call takes a few hundred bytes: so many calls are kept at most.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Servers that may have the same folder.
const FILES_MAX: usize = 64;
const RETRY_AFTER_MS: u64 = 1_000;

/// Clones share it.
#[derive(Clone)]
pub(crate) struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    /// `None` until something is written, or found.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    /// Locked while this process lives.
    file: File,
    bytes: u64,
    /// Begun by this process, and not ended.
    open: HashSet<GenerationId>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun { workspace: WorkspaceId, call: NewGeneration },
    Ended { workspace: WorkspaceId, call: SettledGeneration },
}

/// A call that can be entered.
struct Call {
    workspace: WorkspaceId,
    begun: NewGeneration,
    /// `None` where its process died before.
    ended: Option<SettledGeneration>,
}

impl Spool {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { shared: Arc::new(Shared { folder, kept: Mutex::default() }) }
    }

    /// Returns once the intent is on the disk. Fails with `store_unavailable` where no more can be kept.
    pub(crate) async fn begin(&self, workspace: &WorkspaceId, call: NewGeneration) -> Result<()> {
        let workspace = workspace.clone();
        self.with(move |kept| {
            if kept.bytes >= BYTES_MAX {
                return Err(unavailable("as many calls are kept for it as there is room for"));
            }
            let id = call.id.clone();
            kept.append(&Line::Begun { workspace, call })?;
            kept.open.insert(id);
            Ok(())
        })
        .await
    }

    /// Returns once it is on the disk how the call ended.
    pub(crate) async fn end(&self, workspace: &WorkspaceId, call: SettledGeneration) -> Result<()> {
        let workspace = workspace.clone();
        self.with(move |kept| {
            let id = call.id.clone();
            kept.append(&Line::Ended { workspace, call })?;
            kept.open.remove(&id);
            Ok(())
        })
        .await
    }

    /// Enters in the store what has ended, and what a process that is gone has begun; how many calls.
    pub(crate) async fn enter(&self, store: &Store, now: Timestamp) -> Result<u64> {
        if !self.is_in_use() {
            return Ok(0);
        }
        let calls = self.with(Kept::calls).await?;
        let mut entered = HashSet::new();
        let mut count = 0;
        for Call { workspace, begun, ended } in calls {
            let id = begun.id.clone();
            let workspace = store.workspace(&workspace);
            match workspace.enter_late(begun, ended, now).await {
                Ok(is_new) => {
                    count += u64::from(is_new);
                    entered.insert(id);
                }
                Err(error) if error.code() == ErrorCode::StoreUnavailable => return Err(error),
                // It stays in the file.
                Err(error) => {
                    tracing::error!(%error, generation = %id, "a call cannot be entered in the ledger");
                }
            }
        }
        if !entered.is_empty() {
            self.with(move |kept| kept.drop_entered(&entered)).await?;
        }
        Ok(count)
    }

    /// Whether there may be something in it.
    fn is_in_use(&self) -> bool {
        let Ok(kept) = self.shared.kept.lock() else { return false };
        kept.as_ref().map_or_else(|| self.shared.folder.is_dir(), |kept| kept.bytes > 0)
    }

    /// Off the threads that must not wait for a disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let working = tokio::task::spawn_blocking(move || {
            let lock = shared.kept.lock();
            let mut kept = lock.map_err(|_| Error::internal("keeping a call panicked"))?;
            if kept.is_none() {
                *kept = Some(Kept::open(&shared.folder)?);
            }
            match kept.as_mut() {
                Some(kept) => work(kept),
                None => Err(Error::internal("nothing was opened")),
            }
        });
        working.await.map_err(|cause| Error::internal(format!("keeping a call failed: {cause}")))?
    }
}

impl Kept {
    /// The first file of the folder that no other process has.
    fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|cause| unkept(&cause))?;
        for number in 0..FILES_MAX {
            let path = folder.join(format!("calls-{number}.jsonl"));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(path).map_err(|cause| unkept(&cause))?;
            match file.try_lock() {
                Ok(()) => {
                    let bytes = whole_lines(&mut file).map_err(|cause| unkept(&cause))?;
                    return Ok(Self { file, bytes, open: HashSet::new() });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(unkept(&cause)),
            }
        }
        Err(unavailable("other servers have every file of the folder where calls are kept for it"))
    }

    fn append(&mut self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line)
            .map_err(|cause| Error::internal(format!("a call cannot be written: {cause}")))?;
        let written = self.write_at_end(format!("{text}\n").as_bytes());
        written.map_err(|cause| unkept(&cause))
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        // What a failed attempt left there is written over.
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn lines(&mut self) -> Result<Vec<Line>> {
        let mut text = String::new();
        let read = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| (&self.file).take(self.bytes).read_to_string(&mut text));
        read.map_err(|cause| unkept(&cause))?;
        let line = |line: &str| {
            serde_json::from_str(line)
                .map_err(|cause| Error::internal(format!("a kept call is not readable: {cause}")))
        };
        text.lines().map(line).collect()
    }

    fn calls(&mut self) -> Result<Vec<Call>> {
        let mut begun = Vec::new();
        let mut ended = HashMap::new();
        for line in self.lines()? {
            match line {
                Line::Begun { workspace, call } => begun.push((workspace, call)),
                Line::Ended { call, .. } => drop(ended.insert(call.id.clone(), call)),
            }
        }
        let calls = begun.into_iter().filter_map(|(workspace, begun)| {
            let ended = match ended.remove(&begun.id) {
                None if self.open.contains(&begun.id) => return None,
                ended => ended,
            };
            Some(Call { workspace, begun, ended })
        });
        Ok(calls.collect())
    }

    /// Empties the file once everything in it is entered. Until then what is entered stays as well: to
    /// enter it again changes nothing, and nothing is ever written over.
    fn drop_entered(&mut self, entered: &HashSet<GenerationId>) -> Result<()> {
        if self.lines()?.iter().all(|line| entered.contains(line.id())) {
            let emptied = self.file.set_len(0).and_then(|()| self.file.sync_data());
            emptied.map_err(|cause| unkept(&cause))?;
            self.bytes = 0;
        }
        Ok(())
    }
}

impl Line {
    fn id(&self) -> &GenerationId {
        match self {
            Self::Begun { call, .. } => &call.id,
            Self::Ended { call, .. } => &call.id,
        }
    }
}

/// A line that was not written whole was not answered to: it is cut off.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    let whole = all.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) as u64;
    file.set_len(whole)?;
    Ok(whole)
}

fn unkept(cause: &std::io::Error) -> Error {
    unavailable("the call cannot be kept for it in the data folder").with_context(cause.to_string())
}

fn unavailable(why: &str) -> Error {
    Error::new(
        ErrorCode::StoreUnavailable,
        format!("the database is not to be reached, and {why}; call again in a moment"),
    )
    .with_retry_after_ms(Some(RETRY_AFTER_MS))
}
