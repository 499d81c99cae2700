//! Taking work.

use backstay_core::{Error, JobId, Result, Timestamp, WorkspaceId};

use super::{JobState, Lease, finish::superseded};
use crate::{
    Store, Workspace,
    db::{Failure, Row, Session, statements, values},
};

/// Jobs that one call leases at most.
const LEASES_MAX: usize = 100;

statements! {
    /// Names the state as text, not as a parameter, so that the index of open jobs is used. A lease
    /// that has run out is due like any other job. Nodes that ask at once get different jobs, and
    /// take the workspaces' fences in one order.
    DUE = "SELECT workspace, id, kind, key, payload, wanted, failures FROM jobs
        WHERE kind = $1 AND due_at <= $2 AND state <> 'dead' ORDER BY due_at LIMIT $3",
        postgres: "SELECT workspace, id, kind, key, payload, wanted, failures FROM (
            SELECT * FROM jobs
            WHERE kind = $1 AND due_at <= $2 AND state <> 'dead'
            ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
        ) AS due ORDER BY workspace";
    NEXT_FENCE = "UPDATE workspaces SET fence = fence + 1 WHERE id = $1 RETURNING fence";
    TAKE = "UPDATE jobs SET state = $1, due_at = $2, fence = $3
        WHERE workspace = $4 AND id = $5",
        postgres: "UPDATE jobs SET state = $1, due_at = $2, fence = $3,
            node = current_setting('backstay.node', true)
        WHERE workspace = $4 AND id = $5";
    EXTEND = "UPDATE jobs SET due_at = $1
        WHERE workspace = $2 AND id = $3 AND fence = $4 AND state = 'leased'";
    RELEASE_ALL = "UPDATE jobs SET state = $1, due_at = $2 WHERE state = 'leased'",
        postgres: "UPDATE jobs SET state = $1, due_at = $2 WHERE (workspace, id) IN (
            SELECT workspace, id FROM jobs
            WHERE state = 'leased' AND node_is_gone(node) FOR UPDATE SKIP LOCKED)";
}

impl Store {
    /// Takes the longest due jobs of a kind, of any workspace, until the given moment; at most
    /// `limit` and at most 100. One whose worker let its lease run out is taken over.
    pub async fn lease_jobs(
        &self,
        kind: &str,
        limit: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Lease>> {
        let kind = kind.to_owned();
        self.write_beside(move |session| {
            let values = values![&kind, now, limit.min(LEASES_MAX)];
            let due = session.all(DUE, values, |row| lease(row, until))?;
            due.into_iter().map(|lease| take(session, lease)).collect()
        })
        .await
    }

    /// Takes the leases of processes that are gone back before their time; how many there were. When
    /// to call it, see [`Store::settle_interrupted`].
    pub async fn release_leases(&self, now: Timestamp) -> Result<u64> {
        self.write_beside(move |session| {
            Ok(session.execute(RELEASE_ALL, values![JobState::Ready, now])? as u64)
        })
        .await
    }
}

impl Workspace {
    /// Keeps a job for longer: what a worker does now and then while it works. Fails with
    /// `conflict` when another has taken it over.
    pub async fn extend_lease(&self, lease: &Lease, until: Timestamp) -> Result<()> {
        let (id, fence) = (lease.job.clone(), lease.fence);
        self.write_beside(move |session, workspace| {
            match session.execute(EXTEND, values![until, workspace, &id, fence])? {
                0 => Err(superseded(&id).into()),
                _ => Ok(()),
            }
        })
        .await
    }
}

fn take(session: &Session<'_>, mut lease: Lease) -> Result<Lease, Failure> {
    let fence = session.one(NEXT_FENCE, values![&lease.workspace], |row| row.get(0))?;
    lease.fence = fence.ok_or_else(|| Error::internal("a workspace was not returned"))?;
    let (fence, until) = (lease.fence, lease.until);
    let values = values![JobState::Leased, until, fence, &lease.workspace, &lease.job];
    session.execute(TAKE, values)?;
    Ok(lease)
}

/// A due job; its fence is given when it is taken.
fn lease(row: &Row<'_>, until: Timestamp) -> Result<Lease, Failure> {
    Ok(Lease {
        workspace: row.get::<WorkspaceId>(0)?,
        job: row.get::<JobId>(1)?,
        kind: row.get(2)?,
        key: row.get(3)?,
        payload: row.json(4)?.unwrap_or_default(),
        wanted: row.get(5)?,
        failures: row.get(6)?,
        fence: 0,
        until,
    })
}
