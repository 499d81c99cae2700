//! Runs: answers that may take several calls, and those that wait for the outputs of a client's tools.

use backstay_core::{Error, ErrorCode, Result, RunId, ThreadId, Timestamp, WorkspaceId};
use serde_json::Value;

use crate::{
    Workspace,
    db::{Failure, Row, Session, named, statements, values},
    messages::to_json,
};

/// What becomes of a run at the end of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    pub id: RunId,
    pub ending: RunEnding,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RunEnding {
    /// With what it goes on once the outputs of tools are there.
    Waits(Value),
    Completed,
    Cancelled,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// For the outputs of tools.
    Waiting,
    Completed,
    /// Whoever carries it out is asked to stop it.
    Cancelling,
    Cancelled,
}

impl RunState {
    pub(crate) const ALL: [Self; 4] =
        [Self::Waiting, Self::Completed, Self::Cancelling, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A run as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub thread: ThreadId,
    pub state: RunState,
    /// What it was asked with, while it waits.
    pub asked: Option<Value>,
}

macro_rules! columns {
    () => {
        "id, thread, state, asked, claimed_until"
    };
}

macro_rules! to_stop {
    ($named:expr) => {
        concat!(
            "SELECT id FROM runs WHERE workspace = $1 AND state IN ('cancelling', 'cancelled') AND id ",
            $named
        )
    };
}

statements! {
    PUT = "INSERT INTO runs (workspace, id, thread, state, asked, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace, id) DO UPDATE SET
            state = CASE WHEN runs.state = 'cancelled' THEN runs.state ELSE excluded.state END,
            asked = excluded.asked, claimed_until = 0";
    ONE = concat!("SELECT ", columns!(), " FROM runs WHERE workspace = $1 AND id = $2");
    WAITING = concat!("SELECT ", columns!(), " FROM runs
        WHERE workspace = $1 AND thread = $2 AND state = $3 ORDER BY id DESC LIMIT 1");
    CLAIM = "UPDATE runs SET claimed_until = $1 WHERE workspace = $2 AND id = $3";
    CANCEL = "UPDATE runs SET state = $1, asked = NULL, claimed_until = 0
        WHERE workspace = $2 AND id = $3 AND state = $4";
    ASK_TO_CANCEL = "INSERT INTO runs (workspace, id, thread, state, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace, id) DO NOTHING";
    TO_STOP = to_stop!(named!(sqlite "$2")), postgres: to_stop!(named!(postgres "$2"));
    CANCELLED_HERE = "UPDATE runs SET state = $1 WHERE workspace = $2 AND id = $3 AND state = $4";
    NOT_FOUND = "DELETE FROM runs WHERE workspace = $1 AND id = $2 AND state = $3";
    CANCEL_WAITING = "UPDATE runs SET state = $1, asked = NULL, claimed_until = 0
        WHERE workspace = $2 AND thread = $3 AND state = $4 AND id <> $5";
}

impl Workspace {
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let found = session.one(ONE, values![workspace, &id], claimable)?;
            Ok(found.map(|(run, _)| run))
        })
        .await
    }

    /// The newest run of a thread that waits.
    pub async fn waiting_run(&self, thread: &ThreadId) -> Result<Option<Run>> {
        let thread = thread.clone();
        self.read(move |session, workspace| {
            let values = values![workspace, &thread, RunState::Waiting];
            Ok(session.one(WAITING, values, claimable)?.map(|(run, _)| run))
        })
        .await
    }

    /// Takes a waiting run until a moment, so that its tools' outputs are taken once. A process that is
    /// gone by then leaves it to others.
    ///
    /// Fails with `not_found` when there is no such run, with `conflict` when it does not wait or somebody
    /// has it.
    pub async fn claim_run(&self, id: &RunId, until: Timestamp, now: Timestamp) -> Result<Run> {
        let id = id.clone();
        self.write(move |session, workspace| {
            let found = session.one(ONE, values![workspace, &id], claimable)?;
            let missing = || Error::new(ErrorCode::NotFound, format!("there is no run {id}"));
            let (run, claimed_until) = found.ok_or_else(missing)?;
            if run.state != RunState::Waiting {
                let state = run.state.as_str();
                let message = format!("run {id} is {state}; it takes no tool outputs any more");
                return Err(Error::new(ErrorCode::Conflict, message).into());
            }
            if claimed_until > now {
                let message =
                    format!("run {id} has its tool outputs already and goes on with them");
                return Err(Error::new(ErrorCode::Conflict, message).into());
            }
            session.execute(CLAIM, values![until, workspace, &id])?;
            Ok(run)
        })
        .await
    }

    /// Lets a claimed run wait again, as nothing came of it.
    pub async fn release_run(&self, id: &RunId) -> Result<()> {
        let id = id.clone();
        self.write_beside(move |session, workspace| {
            session.execute(CLAIM, values![0_i64, workspace, &id])?;
            Ok(())
        })
        .await
    }

    /// Ends a run that waits. Whether it did.
    pub async fn cancel_run(&self, id: &RunId) -> Result<bool> {
        let id = id.clone();
        self.write(move |session, workspace| {
            let values = values![RunState::Cancelled, workspace, &id, RunState::Waiting];
            Ok(session.execute(CANCEL, values)? > 0)
        })
        .await
    }

    /// Asks whichever server carries a run out to stop it. One that is known already stays as it is.
    pub async fn ask_to_cancel(&self, id: &RunId, thread: &ThreadId, now: Timestamp) -> Result<()> {
        let (id, thread) = (id.clone(), thread.clone());
        self.write_beside(move |session, workspace| {
            let values = values![workspace, &id, &thread, RunState::Cancelling, now];
            session.execute(ASK_TO_CANCEL, values)?;
            Ok(())
        })
        .await
    }

    /// Of runs that go on here, those that are to stop; they are cancelled from now on.
    pub async fn take_cancelled(&self, going_on: Vec<RunId>) -> Result<Vec<RunId>> {
        let looking = move |session: &Session<'_>, workspace: &WorkspaceId| {
            let going_on = to_json(&going_on)?;
            session.all(TO_STOP, values![workspace, &going_on], |row| row.get::<RunId>(0))
        };
        let to_stop = self.read(looking).await?;
        if to_stop.is_empty() {
            return Ok(to_stop);
        }
        self.write_beside(move |session, workspace| {
            for id in &to_stop {
                let (from, to) = (RunState::Cancelling, RunState::Cancelled);
                session.execute(CANCELLED_HERE, values![to, workspace, id, from])?;
            }
            Ok(to_stop)
        })
        .await
    }

    /// Takes back that a run is to stop which nobody carries out. Whether it was still so.
    pub async fn nobody_cancels(&self, id: &RunId) -> Result<bool> {
        let id = id.clone();
        self.write_beside(move |session, workspace| {
            Ok(session.execute(NOT_FOUND, values![workspace, &id, RunState::Cancelling])? > 0)
        })
        .await
    }
}

/// Notes what has become of a run. One that the thread has gone on without waits no longer.
pub(crate) fn put(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &ThreadId,
    outcome: &RunOutcome,
    now: Timestamp,
) -> Result<(), Failure> {
    let RunOutcome { id, ending } = outcome;
    let others = values![RunState::Cancelled, workspace, thread, RunState::Waiting, id];
    session.execute(CANCEL_WAITING, others)?;
    let (state, asked) = match ending {
        RunEnding::Waits(asked) => (RunState::Waiting, Some(to_json(asked)?)),
        RunEnding::Completed => (RunState::Completed, None),
        RunEnding::Cancelled => (RunState::Cancelled, None),
    };
    session.execute(PUT, values![workspace, id, thread, state, asked.as_ref(), now])?;
    Ok(())
}

fn claimable(row: &Row<'_>) -> Result<(Run, Timestamp), Failure> {
    let run = Run { id: row.get(0)?, thread: row.get(1)?, state: row.get(2)?, asked: row.json(3)? };
    Ok((run, row.get(4)?))
}
