//! Asking for work.

use backstay_core::{Error, JobId, Result, Timestamp, WorkspaceId};

use super::{JobState, NewJob};
use crate::{
    db::{Failure, Session, statements, values},
    digest::{digest, identifier_digits},
    messages::to_json,
};

const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

statements! {
    /// One that waits waits for the newest moment that was asked for, unless it failed and its pause
    /// is under way. A dead one is given one more try, with the failures that it has: it is dead
    /// again after the next.
    ENQUEUE = "INSERT INTO jobs
            (workspace, id, kind, key, payload, state, wanted, failures, due_at, fence, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 1, 0, $7, 0, $8)
        ON CONFLICT (workspace, kind, key) DO UPDATE SET
            wanted = jobs.wanted + 1,
            due_at = CASE
                WHEN jobs.state = 'dead' OR (jobs.state = 'ready' AND jobs.failures = 0)
                THEN excluded.due_at ELSE jobs.due_at END,
            state = CASE WHEN jobs.state = 'dead' THEN 'ready' ELSE jobs.state END";
}

/// Asks for work. While a job of this kind and key is open, it is only noted that it was asked for
/// again, so that it is done once more after the worker that has it now.
pub(crate) fn enqueue(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    job: &NewJob,
    now: Timestamp,
) -> Result<JobId, Failure> {
    let payload = to_json(&job.payload)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        let message = format!("a job's payload is at most {PAYLOAD_BYTES_MAX} bytes of JSON");
        return Err(Error::invalid(message).with_parameter("payload").into());
    }
    let id = identifier(job)?;
    let NewJob { kind, key, due_at, .. } = job;
    let state = JobState::Ready;
    let values = values![workspace, &id, kind, key, &payload, state, *due_at, now];
    session.execute(ENQUEUE, values)?;
    Ok(id)
}

/// Made of kind and key: whoever asks for the same work is told of the same job.
fn identifier(job: &NewJob) -> Result<JobId> {
    let digits = identifier_digits(&digest(&[job.kind.as_bytes(), job.key.as_bytes()]));
    let id = JobId::parse(&format!("{}{digits}", JobId::PREFIX));
    id.ok_or_else(|| Error::internal("a digest made no id"))
}
