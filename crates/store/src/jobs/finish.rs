//! The end of work, good or bad. Only the newest lease may bring it about.

use backstay_core::{Error, ErrorCode, JobId, Result, Timestamp, WorkspaceId};

use super::{JobState, Lease};
use crate::{
    Workspace,
    db::{Failure, Session, statements, values},
};

/// The pause after a first failure; each further one doubles it.
const PAUSE_MICROS: i64 = 30 * 1_000_000;
const PAUSE_MICROS_MAX: i64 = 6 * 60 * 60 * 1_000_000;
const ERROR_BYTES_MAX: usize = 2_048;

/// What is to become of a job that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again after 30 seconds, and after twice as long each time it fails again, at
    /// most after 6 hours; once it has failed this often in a row, it is dead.
    BackOff { attempts_max: u32 },
    /// It is tried again at this moment, as often as it takes: for what will pass, such as a budget
    /// that is used up until tomorrow.
    At(Timestamp),
    /// It is dead: trying again would fail again.
    Never,
}

statements! {
    OWNED = "SELECT wanted, failures FROM jobs
        WHERE workspace = $1 AND id = $2 AND fence = $3 AND state = 'leased'";
    DELETE = "DELETE FROM jobs WHERE workspace = $1 AND id = $2";
    GO_ON = "UPDATE jobs SET state = $1, due_at = $2, wanted = $3, failures = 0, last_error = NULL
        WHERE workspace = $4 AND id = $5";
    FAIL = "UPDATE jobs SET state = $1, due_at = $2, failures = $3, last_error = $4
        WHERE workspace = $5 AND id = $6";
}

impl Workspace {
    /// Ends a job that was done. It goes on at once when it was asked for again meanwhile. Fails
    /// with `conflict` when another worker has taken it over, or when it was ended already.
    pub async fn complete_job(&self, lease: &Lease, now: Timestamp) -> Result<()> {
        let lease = lease.clone();
        self.write(move |session, workspace| {
            let owned = owned(session, workspace, &lease)?;
            complete(session, workspace, &lease, &owned, false, now)
        })
        .await
    }

    /// Notes that a job failed; what has become of it. Fails with `conflict` like
    /// [`Workspace::complete_job`].
    pub async fn fail_job(
        &self,
        lease: &Lease,
        error: &str,
        retry: Retry,
        now: Timestamp,
    ) -> Result<JobState> {
        let lease = lease.clone();
        let error = error[..error.floor_char_boundary(ERROR_BYTES_MAX)].to_owned();
        self.write(move |session, workspace| {
            let failures = owned(session, workspace, &lease)?.failures.saturating_add(1);
            let (state, due_at) = after_failure(retry, failures, now);
            let values = values![state, due_at, failures, &error, workspace, &lease.job];
            session.execute(FAIL, values)?;
            Ok(state)
        })
        .await
    }
}

/// What the row of a leased job says.
pub(crate) struct Owned {
    wanted: u64,
    failures: u32,
}

/// Fails with `conflict` unless this lease is the newest and the job was not ended.
pub(crate) fn owned(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    lease: &Lease,
) -> Result<Owned, Failure> {
    let owned = session.one(OWNED, values![workspace, &lease.job, lease.fence], |row| {
        Ok(Owned { wanted: row.get(0)?, failures: row.get(1)? })
    })?;
    owned.ok_or_else(|| superseded(&lease.job).into())
}

/// Deletes the job, or lets it go on when there is more to do or it was asked for again.
pub(crate) fn complete(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    lease: &Lease,
    owned: &Owned,
    more: bool,
    now: Timestamp,
) -> Result<(), Failure> {
    let wanted = owned.wanted.saturating_sub(lease.wanted).max(u64::from(more));
    if wanted == 0 {
        session.execute(DELETE, values![workspace, &lease.job])?;
    } else {
        session.execute(GO_ON, values![JobState::Ready, now, wanted, workspace, &lease.job])?;
    }
    Ok(())
}

fn after_failure(retry: Retry, failures: u32, now: Timestamp) -> (JobState, Timestamp) {
    match retry {
        Retry::BackOff { attempts_max } if failures < attempts_max => {
            let doubled = 1_i64.checked_shl(failures.saturating_sub(1).min(32)).unwrap_or(1);
            let pause = PAUSE_MICROS.saturating_mul(doubled).min(PAUSE_MICROS_MAX);
            let due_at = Timestamp::from_micros(now.micros().saturating_add(pause));
            (JobState::Ready, due_at)
        }
        Retry::At(due_at) => (JobState::Ready, due_at),
        Retry::BackOff { .. } | Retry::Never => (JobState::Dead, now),
    }
}

pub(super) fn superseded(id: &JobId) -> Error {
    let message = format!(
        "job {id} is not this worker's any more: it was ended, or its lease ran out and another \
         took it; drop the work"
    );
    Error::new(ErrorCode::Conflict, message)
}
