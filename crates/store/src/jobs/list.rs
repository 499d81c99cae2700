//! Jobs for people: what waits, what is dead, and trying that again.

use backstay_core::{JobId, Result, Timestamp, WorkspaceId};

use super::{JobRow, JobState};
use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Row, Session, statements, values},
};

macro_rules! columns {
    () => {
        "id, kind, key, payload, state, wanted, failures, due_at, last_error, created_at"
    };
}

statements! {
    ONE = concat!("SELECT ", columns!(), " FROM jobs WHERE workspace = $1 AND id = $2");
    LIST = concat!("SELECT ", columns!(), " FROM jobs
        WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3");
    LIST_OF_STATE = concat!("SELECT ", columns!(), " FROM jobs
        WHERE workspace = $1 AND id > $2 AND state = $3 ORDER BY id LIMIT $4");
    COUNT = "SELECT count(*) FROM jobs WHERE workspace = $1 AND kind = $2";
    COUNT_OF_STATE = "SELECT count(*) FROM jobs WHERE workspace = $1 AND kind = $2 AND state = $3";
    AN_ERROR = "SELECT last_error FROM jobs
        WHERE workspace = $1 AND kind = $2 AND last_error IS NOT NULL LIMIT 1";
    REPLAY = "UPDATE jobs SET state = $1, due_at = $2, failures = 0
        WHERE workspace = $3 AND id = $4 AND state = 'dead'";
    DISCARD = "DELETE FROM jobs WHERE workspace = $1 AND id = $2";
}

impl Workspace {
    pub async fn job(&self, id: &JobId) -> Result<Option<JobRow>> {
        let id = id.clone();
        self.read(move |session, workspace| session.one(ONE, values![workspace, &id], job)).await
    }

    /// Open and dead jobs, by identifier; those of one state only, if one is given.
    pub async fn list_jobs(
        &self,
        state: Option<JobState>,
        page: PageRequest,
    ) -> Result<Page<JobRow>> {
        self.read(move |session, workspace| {
            let (_, after) = page.after((0, ""))?;
            let rows = match state {
                Some(state) => {
                    let values = values![workspace, &after, state, page.rows()];
                    session.all(LIST_OF_STATE, values, job)?
                }
                None => session.all(LIST, values![workspace, &after, page.rows()], job)?,
            };
            Ok(Page::of(rows, &page, |last| (0, last.id.as_str())))
        })
        .await
    }

    /// Tries a dead job again, as if it had never failed. Whether there was one.
    pub async fn replay_job(&self, id: &JobId, now: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.write(move |session, workspace| {
            Ok(session.execute(REPLAY, values![JobState::Ready, now, workspace, &id])? > 0)
        })
        .await
    }

    /// Deletes a job, whatever its state; a worker that has it is refused in the end. Whether there
    /// was one.
    pub async fn discard_job(&self, id: &JobId) -> Result<bool> {
        let id = id.clone();
        self.write(move |session, workspace| {
            Ok(session.execute(DISCARD, values![workspace, &id])? > 0)
        })
        .await
    }
}

/// Jobs of a kind, open and dead.
pub(crate) fn count(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    kind: &str,
) -> Result<u64, Failure> {
    Ok(session.one(COUNT, values![workspace, kind], |row| row.get(0))?.unwrap_or(0))
}

pub(crate) fn count_of_state(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    kind: &str,
    state: JobState,
) -> Result<u64, Failure> {
    let values = values![workspace, kind, state];
    Ok(session.one(COUNT_OF_STATE, values, |row| row.get(0))?.unwrap_or(0))
}

/// What one of the jobs of a kind failed for last.
pub(crate) fn an_error(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    kind: &str,
) -> Result<Option<String>, Failure> {
    session.one(AN_ERROR, values![workspace, kind], |row| row.get(0))
}

fn job(row: &Row<'_>) -> Result<JobRow, Failure> {
    Ok(JobRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        key: row.get(2)?,
        payload: row.json(3)?.unwrap_or_default(),
        state: row.get(4)?,
        wanted: row.get(5)?,
        failures: row.get(6)?,
        due_at: row.get(7)?,
        last_error: row.get(8)?,
        created_at: row.get(9)?,
    })
}
