//! Logins of devices: each waits until an operator decides, and then for its client to hear of it. They are
//! found by their codes, as it is not known whose they are.

use backstay_core::{Error, ErrorCode, Result, Timestamp, WorkspaceId};

use crate::{
    Store,
    db::{Failure, Row, statements, values},
};

const WAITING: &str = "waiting";
const APPROVED: &str = "approved";
const DENIED: &str = "denied";

/// A login that begins. Of its codes only SHA-256 is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeviceLogin {
    pub device_hash: [u8; 32],
    pub user_hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// What an operator has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    Denied,
    Approved(ApprovedLogin),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedLogin {
    /// Whose key the client gets.
    pub workspace: WorkspaceId,
    /// The key that is to be made, as JSON.
    pub key_request: String,
}

/// How a login stands when its client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// There is none, or its outcome was fetched.
    Unknown,
    Expired,
    /// Its client asks more often than it was told to.
    TooSoon,
    Waiting,
    Denied,
    Approved(ApprovedLogin),
}

statements! {
    FORGET = "DELETE FROM device_logins WHERE expires_at <= $1";
    WAIT = "SELECT COUNT(*) FROM device_logins WHERE state = $1 AND expires_at > $2";
    ADD = "INSERT INTO device_logins (device_hash, user_hash, state, expires_at)
        VALUES ($1, $2, $3, $4)";
    DECIDE = "UPDATE device_logins SET state = $1, workspace = $2, key_request = $3
        WHERE user_hash = $4 AND state = $5 AND expires_at > $6";
    ONE = "SELECT state, workspace, key_request, expires_at, asked_at
        FROM device_logins WHERE device_hash = $1",
        postgres: "SELECT state, workspace, key_request, expires_at, asked_at
        FROM device_logins WHERE device_hash = $1 FOR UPDATE";
    ASKED = "UPDATE device_logins SET asked_at = $1 WHERE device_hash = $2";
    TAKE = "DELETE FROM device_logins WHERE device_hash = $1";
}

impl Store {
    /// Begins a login, and drops those that expired before `forgotten`.
    ///
    /// Fails with `too_many_requests` where as many as `most` wait.
    pub async fn begin_device_login(
        &self,
        new: NewDeviceLogin,
        most: u64,
        (now, forgotten): (Timestamp, Timestamp),
    ) -> Result<()> {
        self.write(move |session| {
            session.execute(FORGET, values![forgotten])?;
            let waiting = session.one(WAIT, values![WAITING, now], |row| row.get::<u64>(0))?;
            if waiting.unwrap_or_default() >= most {
                let message = format!(
                    "{most} logins wait for an operator already; try again when some of them have \
                     expired"
                );
                return Err(Error::new(ErrorCode::TooManyRequests, message).into());
            }
            let (device, user) = (new.device_hash.as_slice(), new.user_hash.as_slice());
            session.execute(ADD, values![device, user, WAITING, new.expires_at])?;
            Ok(())
        })
        .await
    }

    /// Whether there was a login that waited under this user code.
    pub async fn decide_device_login(
        &self,
        user_hash: [u8; 32],
        decision: LoginDecision,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(move |session| {
            let (state, approved) = match &decision {
                LoginDecision::Denied => (DENIED, None),
                LoginDecision::Approved(approved) => (APPROVED, Some(approved)),
            };
            let workspace = approved.map(|approved| &approved.workspace);
            let key = approved.map(|approved| &approved.key_request);
            let user = user_hash.as_slice();
            let values = values![state, workspace, key, user, WAITING, now];
            Ok(session.execute(DECIDE, values)? > 0)
        })
        .await
    }

    /// What has become of a login. Its outcome is told once. `soonest` is the latest moment of an earlier
    /// question at which the next may come now.
    pub async fn ask_device_login(
        &self,
        device_hash: [u8; 32],
        (now, soonest): (Timestamp, Timestamp),
    ) -> Result<LoginState> {
        self.write(move |session| {
            let device = device_hash.as_slice();
            let Some(kept) = session.one(ONE, values![device], kept)? else {
                return Ok(LoginState::Unknown);
            };
            let told = match kept {
                Kept { expires_at, .. } if expires_at <= now => LoginState::Expired,
                Kept { asked_at, .. } if asked_at > soonest => LoginState::TooSoon,
                Kept { state, .. } => state,
            };
            match told {
                LoginState::Denied | LoginState::Approved(_) => {
                    session.execute(TAKE, values![device])?;
                }
                _ => _ = session.execute(ASKED, values![now, device])?,
            }
            Ok(told)
        })
        .await
    }
}

struct Kept {
    state: LoginState,
    expires_at: Timestamp,
    asked_at: Timestamp,
}

fn kept(row: &Row<'_>) -> Result<Kept, Failure> {
    let state = match row.get::<String>(0)?.as_str() {
        WAITING => LoginState::Waiting,
        DENIED => LoginState::Denied,
        _ => {
            LoginState::Approved(ApprovedLogin { workspace: row.get(1)?, key_request: row.get(2)? })
        }
    };
    Ok(Kept { state, expires_at: row.get(3)?, asked_at: row.get(4)? })
}
