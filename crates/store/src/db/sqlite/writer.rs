//! The one connection that writes, and how many units of work are committed at once.
//!
//! Work queues up while a commit is under way, and the next transaction takes all of it (group
//! commit, as Gray and Reuter describe it).
//!
//! A thread of its own empties the queue. When nothing is queued and no commit is under way, the
//! caller commits where it stands instead: that takes some tens of microseconds, fewer than to wake
//! another thread and to be woken by it. It is not done where a commit waits for the disk.

use std::{
    fs::File,
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::Duration,
};

use backstay_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    Synchronous,
    checkpointer::Checkpointer,
    connection::{CHECKPOINT, COPYING_TIMEOUT, READERS_TIMEOUT},
    redo::{Batch, RedoLog, Urgency, carry_out, join},
    unit::{Unit, commit_alone, commit_group},
};
use crate::db::{Failure, Session, failure::closed};

/// Units of work that may wait. A caller beyond that waits for its place.
const QUEUE_MAX: usize = 1_024;
/// How long records of the redo log wait for others before they enter the tables together.
const REDO_DELAY: Duration = Duration::from_millis(2);
#[cfg(target_os = "linux")]
const REDO_NICENESS: i32 = 5;
const REDO_AGAIN: Duration = Duration::from_secs(1);
/// So many of them write about as many pages as one unit of work.
const RECORDS_OF_A_UNIT: usize = 8;

enum Command {
    Work(Unit),
    /// Copies the log into the database file and empties the log; answers whether it could.
    Checkpoint(oneshot::Sender<Result<bool>>),
    Close(oneshot::Sender<Result<()>>),
}

/// The writing connection, which is `None` once it is closed, and what goes with it.
struct Target {
    held: Mutex<Option<Held>>,
    checkpointer: Checkpointer,
    /// `None` where a commit has to wait for the disk.
    redo: Option<RedoLog>,
}

struct Held {
    connection: Connection,
    /// Of the redo log, and not committed yet.
    batch: Batch,
}

impl Target {
    /// What the redo log holds enters the tables: before every other unit of work, so that it finds
    /// there what was acknowledged before.
    fn catch_up(&self, held: &mut Held, urgency: Urgency) -> Result<()> {
        let Some(redo) = &self.redo else { return Ok(()) };
        redo.take(&mut held.batch)?;
        let records = held.batch.work.len();
        if records == 0 {
            return Ok(());
        }
        carry_out(&held.connection, &held.batch.work, urgency)?;
        self.caught_up(&mut held.batch);
        Ok(())
    }

    /// The same in a transaction that is open, for a unit that joins it: what was acknowledged before
    /// the unit was queued may be newer than the transaction. The batch keeps it until that commits.
    fn catch_up_within(&self, connection: &Connection, batch: &mut Batch) -> Result<()> {
        let Some(redo) = &self.redo else { return Ok(()) };
        let before = batch.work.len();
        redo.take(batch)?;
        match &batch.work[before..] {
            [] => Ok(()),
            newer => join(connection, newer),
        }
    }

    /// Of what was carried out, and is committed now.
    fn caught_up(&self, batch: &mut Batch) {
        let records = batch.work.len();
        if let Some(redo) = self.redo.as_ref().filter(|_| records > 0) {
            redo.committed(std::mem::take(batch));
            self.checkpointer.committed(records.div_ceil(RECORDS_OF_A_UNIT));
        }
    }
}

/// The way to the connection. Dropping it waits until what is queued has been written.
pub(super) struct Writer {
    target: Arc<Target>,
    /// Commits do not wait for the disk, so that a caller may run one where it stands.
    commits_are_short: bool,
    commands: Option<mpsc::Sender<Command>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Writer {
    /// `lock` is held until the connection is closed.
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
        synchronous: Synchronous,
        redo: Option<RedoLog>,
        lock: File,
    ) -> Result<Self> {
        let (commands, queue) = mpsc::channel(QUEUE_MAX);
        let held = Held { connection, batch: Batch::default() };
        let target = Arc::new(Target { held: Mutex::new(Some(held)), checkpointer, redo });
        let (of_writer, of_redo) = (Arc::clone(&target), Arc::clone(&target));
        let mut threads = vec![spawn("store-writer", move || run(&of_writer, lock, queue))?];
        if target.redo.is_some() {
            threads.push(spawn("store-redo", move || keep_up(&of_redo))?);
        }
        let commits_are_short = synchronous == Synchronous::Normal;
        Ok(Self { target, commits_are_short, commands: Some(commands), threads })
    }

    pub(super) fn redo(&self) -> Option<&RedoLog> {
        self.target.redo.as_ref()
    }

    /// Returns when the tables hold all that was added to the redo log before.
    pub(super) async fn catch_up(&self) -> Result<()> {
        if self.target.redo.as_ref().is_none_or(RedoLog::is_committed) {
            return Ok(());
        }
        self.write(|_| Ok(())).await
    }

    /// Runs `work` in a transaction and returns after it is committed. Work that fails or panics
    /// leaves no trace. Once begun or queued it runs to its end, also when the caller no longer
    /// waits.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (unit, answer) = Unit::of(work);
        if let Some(unit) = self.write_here(unit) {
            self.send(Command::Work(unit)).await?;
        }
        answer.await.map_err(|_| closed())?
    }

    /// Commits the unit on this thread, or gives it back when others are before it.
    fn write_here(&self, unit: Unit) -> Option<Unit> {
        let queue = self.commands.as_ref()?;
        if !self.commits_are_short || queue.capacity() < queue.max_capacity() {
            return Some(unit);
        }
        let mut held = match self.target.held.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Some(unit),
        };
        let Some(held) = held.as_mut() else { return Some(unit) };
        let caught_up = self.target.catch_up(held, Urgency::Waited);
        commit_alone(&held.connection, unit, caught_up);
        self.target.checkpointer.committed(1);
        None
    }

    /// Empties the log. False when a reader still needed it.
    pub(super) async fn checkpoint(&self) -> Result<bool> {
        let (sender, receiver) = oneshot::channel();
        self.send(Command::Checkpoint(sender)).await?;
        receiver.await.map_err(|_| closed())?
    }

    /// Writes what is queued, empties the log and closes the file. Later work is refused.
    pub(super) async fn close(&self) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        if self.send(Command::Close(sender)).await.is_err() {
            return Ok(());
        }
        receiver.await.unwrap_or(Ok(()))
    }

    async fn send(&self, command: Command) -> Result<()> {
        let commands = self.commands.as_ref().ok_or_else(closed)?;
        commands.send(command).await.map_err(|_| closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(redo) = &self.target.redo {
            redo.close();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store's writer ended by a panic");
            }
        }
    }
}

fn run(target: &Target, lock: File, mut queue: mpsc::Receiver<Command>) {
    let mut next = None;
    while let Some(command) = next.take().or_else(|| queue.blocking_recv()) {
        // A panic cannot leave a transaction half done: units are guarded.
        let mut place = target.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = place.as_mut() else { return };
        if matches!(command, Command::Close(_))
            && let Some(redo) = &target.redo
        {
            redo.close();
        }
        let caught_up = target.catch_up(held, Urgency::Waited);
        let Held { connection, batch } = held;
        match command {
            Command::Work(unit) => {
                let mut refused = false;
                let group = commit_group(connection, caught_up, unit, || {
                    let command = queue.try_recv().ok()?;
                    if matches!(command, Command::Work(_)) {
                        refused = target.catch_up_within(connection, batch).is_err();
                    }
                    match command {
                        Command::Work(unit) if !refused => Some(unit),
                        other => {
                            next = Some(other);
                            None
                        }
                    }
                });
                // Otherwise all of the batch is carried out before the next unit.
                if group.is_committed && !refused {
                    target.caught_up(batch);
                }
                target.checkpointer.committed(group.units);
            }
            Command::Checkpoint(sender) => {
                let _nobody_waits = sender.send(checkpoint(connection).map_err(Error::from));
            }
            Command::Close(sender) => {
                queue.close();
                target.checkpointer.close();
                let emptied = checkpoint(connection).map_err(Error::from);
                drop(place.take());
                drop(lock);
                // A log that a reader still needs is emptied when the folder is opened next.
                let _nobody_waits = sender.send(caught_up.and(emptied.map(drop)));
                return;
            }
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|cause| Error::internal(format!("no thread {name}: {cause}")))
}

/// Brings what the redo log holds into the tables, a moment after it was added.
fn keep_up(target: &Target) {
    let Some(redo) = &target.redo else { return };
    step_back();
    while redo.wait(REDO_DELAY) {
        let mut held = target.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.as_mut() else { return };
        if let Err(error) = target.catch_up(held, Urgency::Idle) {
            tracing::error!(%error, "what the redo log holds did not enter the tables; trying again");
            redo.rest(REDO_AGAIN);
        }
    }
}

/// Lets threads that answer calls take the processor from this one. Not by much: who writes to the
/// tables has to wait for it. Elsewhere than on Linux this would be said of the whole process.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(cause) = rustix::process::setpriority_process(None, REDO_NICENESS) {
        tracing::debug!(%cause, "the redo log's thread keeps its priority");
    }
}

/// Empties the log; false when readers kept it from that.
pub(super) fn checkpoint(connection: &Connection) -> Result<bool, Failure> {
    connection.busy_timeout(READERS_TIMEOUT)?;
    let busy = Session::Sqlite(connection).one(CHECKPOINT, &[], |row| row.get::<bool>(0));
    connection.busy_timeout(COPYING_TIMEOUT)?;
    Ok(busy? == Some(false))
}

#[cfg(test)]
mod tests {
    use backstay_core::ErrorCode;

    use super::*;
    use crate::db::{Statement, sql, values};

    const CREATE: Statement = sql("CREATE TABLE notes (number INTEGER PRIMARY KEY)");
    const INSERT: Statement = sql("INSERT INTO notes VALUES ($1)");
    const COUNT: Statement = sql("SELECT count(*) FROM notes");
    const ROLLBACK_ALL: Statement = sql("ROLLBACK");
    const IN_GROUP: Statement = sql("SELECT sum(number) FROM notes");

    /// With [`Synchronous::Full`] everything is queued.
    async fn writer(synchronous: Synchronous) -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        let checkpointer = Checkpointer::start(Connection::open_in_memory().unwrap()).unwrap();
        let lock = tempfile::tempfile().unwrap();
        let writer = Writer::start(connection, checkpointer, synchronous, None, lock).unwrap();
        writer.write(|session| session.execute(CREATE, &[])).await.unwrap();
        writer
    }

    async fn count(writer: &Writer) -> i64 {
        let found = writer.write(|session| session.one(COUNT, &[], |row| row.get(0))).await;
        found.unwrap().unwrap()
    }

    /// Holds the writer until the others have queued up, so that all of them are one group. Returns
    /// what the holding unit and the others were told.
    async fn in_one_group<T>(
        writer: &Writer,
        others: impl Future<Output = T>,
    ) -> (Result<usize>, T) {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let holder = writer.write(move |session| {
            held.recv().unwrap();
            session.execute(INSERT, values![0_i64])
        });
        // Polled last, when the others are in the queue.
        let releasing = async { release.send(()).unwrap() };
        let (holder, others, ()) = futures::join!(holder, others, releasing);
        (holder, others)
    }

    #[tokio::test]
    async fn units_that_fail_or_panic_take_back_only_themselves() {
        let writer = writer(Synchronous::Full).await;
        let others = async {
            futures::join!(
                writer.write(|session| session.execute(INSERT, values![1_i64])),
                writer.write(|session| {
                    session.execute(INSERT, values![2_i64])?;
                    session.execute(INSERT, values![1_i64])
                }),
                writer.write(|session| -> Result<(), Failure> {
                    session.execute(INSERT, values![3_i64])?;
                    panic!("a unit of work panics, as this test wants")
                }),
                writer.write(|session| {
                    session.execute(INSERT, values![4_i64])?;
                    session.one(IN_GROUP, &[], |row| row.get::<i64>(0))
                }),
            )
        };
        let (held, (kept, failed, panicked, last)) = in_one_group(&writer, others).await;
        held.unwrap();
        kept.unwrap();
        assert_eq!(failed.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(panicked.unwrap_err().code(), ErrorCode::Internal);
        assert_eq!(last.unwrap(), Some(1 + 4));
        assert_eq!(count(&writer).await, 3);
    }

    #[tokio::test]
    async fn a_write_that_nobody_is_before_is_committed_at_once_or_leaves_nothing() {
        let writer = writer(Synchronous::Normal).await;
        let mut written = Box::pin(writer.write(|session| session.execute(INSERT, values![1_i64])));
        assert!(futures::poll!(&mut written).is_ready(), "no other thread took part");
        let again = writer.write(|session| {
            session.execute(INSERT, values![2_i64])?;
            session.execute(INSERT, values![1_i64])
        });
        assert_eq!(again.await.unwrap_err().code(), ErrorCode::Conflict);
        let lost = writer.write(|session| session.execute(ROLLBACK_ALL, &[])).await;
        assert_eq!(lost.unwrap_err().code(), ErrorCode::StoreUnavailable);
        let panicked = writer.write(|_| -> Result<(), Failure> { panic!("as this test wants") });
        assert_eq!(panicked.await.unwrap_err().code(), ErrorCode::Internal);
        assert_eq!(count(&writer).await, 1);
        writer.close().await.unwrap();
        let late = writer.write(|session| session.execute(INSERT, values![2_i64])).await;
        assert_eq!(late.unwrap_err().code(), ErrorCode::ShuttingDown);
    }

    #[tokio::test]
    async fn a_lost_transaction_fails_every_unit_that_was_in_it() {
        let writer = writer(Synchronous::Full).await;
        let others = async {
            futures::join!(
                writer.write(|session| session.execute(INSERT, values![1_i64])),
                writer.write(|session| session.execute(ROLLBACK_ALL, &[])),
            )
        };
        let (holder, (neighbour, culprit)) = in_one_group(&writer, others).await;
        for outcome in [holder, neighbour, culprit] {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::StoreUnavailable);
        }
        assert_eq!(count(&writer).await, 0);
        writer.write(|session| session.execute(INSERT, values![5_i64])).await.unwrap();
    }

    #[tokio::test]
    async fn work_whose_caller_left_is_still_done() {
        let writer = writer(Synchronous::Full).await;
        let abandoned = writer.write(|session| session.execute(INSERT, values![1_i64]));
        let mut abandoned = Box::pin(abandoned);
        let _queued = futures::poll!(&mut abandoned);
        drop(abandoned);
        assert_eq!(count(&writer).await, 1);
    }
}
