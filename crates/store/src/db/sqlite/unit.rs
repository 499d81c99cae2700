//! Units of work, and the transactions that hold one or several of them.
//!
//! Each unit that shares a transaction runs in a savepoint of its own, so that one that fails takes back
//! only itself, and each caller hears of success only after the commit that holds its work.

use backstay_core::Result;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::transaction::{
    begin, close_savepoint, finish, guarded, open_savepoint, roll_back, still_open,
};
use crate::db::{Failure, Session};

/// Units of work in one transaction: enough that a commit's cost is shared out, few enough that the
/// first of them does not wait long.
const GROUP_MAX: usize = 256;

/// Does its work, or hears why it cannot, and returns how to acknowledge it once the commit is
/// known.
pub(super) struct Unit(Work);

type Work = Box<dyn FnOnce(Result<&Session<'_>>) -> Done + Send>;

type Acknowledge = Box<dyn FnOnce(&Result<()>)>;

struct Done {
    succeeded: bool,
    acknowledge: Acknowledge,
}

impl Unit {
    /// The unit, and where its caller hears of it.
    pub(super) fn of<T: Send + 'static>(
        work: impl FnOnce(&Session<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T>>) {
        let (sender, receiver) = oneshot::channel();
        let unit = move |session: Result<&Session<'_>>| {
            let outcome = session.and_then(|session| guarded(|| work(session)));
            let succeeded = outcome.is_ok();
            let acknowledge = move |committed: &Result<()>| {
                let answer = outcome.and_then(|value| committed.clone().map(|()| value));
                let _nobody_waits = sender.send(answer);
            };
            Done { succeeded, acknowledge: Box::new(acknowledge) }
        };
        (Self(Box::new(unit)), receiver)
    }
}

/// Runs the unit in a transaction of its own, which needs no savepoint.
pub(super) fn commit_alone(connection: &Connection, unit: Unit, caught_up: Result<()>) {
    let session = Session::Sqlite(connection);
    let begun = caught_up.and_then(|()| begin(connection));
    let done = (unit.0)(begun.clone().map(|()| &session));
    let committed = match done.succeeded {
        true => finish(connection, begun),
        false => {
            let so_far = begun.and_then(|()| still_open(connection));
            roll_back(connection);
            so_far
        }
    };
    (done.acknowledge)(&committed);
}

/// Units that shared a transaction.
pub(super) struct Group {
    pub(super) units: usize,
    pub(super) is_committed: bool,
}

/// Runs the unit and those that follow it in one transaction.
pub(super) fn commit_group(
    connection: &Connection,
    caught_up: Result<()>,
    first: Unit,
    mut following: impl FnMut() -> Option<Unit>,
) -> Group {
    let session = Session::Sqlite(connection);
    let mut group = Vec::new();
    let mut so_far = caught_up.and_then(|()| begin(connection));
    let mut unit = Some(first);
    while let Some(Unit(current)) = unit.take() {
        so_far = so_far.and_then(|()| open_savepoint(connection));
        let done = current(so_far.clone().map(|()| &session));
        so_far = so_far.and_then(|()| close_savepoint(connection, done.succeeded));
        group.push(done);
        if so_far.is_ok() && group.len() < GROUP_MAX {
            unit = following();
        }
    }
    let committed = finish(connection, so_far);
    let units = group.len();
    for done in group {
        (done.acknowledge)(&committed);
    }
    Group { units, is_committed: committed.is_ok() }
}
