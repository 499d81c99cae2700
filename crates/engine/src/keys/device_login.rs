//! Logging a device in: its client shows a code to a person, an operator approves it with a key of theirs, and
//! the client fetches a key that is made for it (RFC 8628).

use std::sync::{Mutex, PoisonError};

use backstay_core::{
    CallContext, Error, ErrorCode, KeyScope, RateLimit, RatePeriod, RateWindow, Result, Secret,
    Timestamp,
};
use backstay_store::{ApprovedLogin, KeyRecord, LoginDecision, LoginState, NewDeviceLogin};

use super::{KeyRequest, hash};
use crate::Engine;

const EXPIRES_IN_S: u32 = 600;
const INTERVAL_S: u32 = 5;
/// Logins that may wait at once.
const WAITING_MAX: u64 = 100;
/// Anybody may ask: of all that do, a process answers so many.
const ASKED: RateLimit = RateLimit::Requests { limit: 600, per: RatePeriod::Minute };
const DEVICE_CODE_BYTES: usize = 32;
/// Letters that are not taken for one another, and spell no words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_LETTERS: usize = 8;
/// What a client needs. An operator may say otherwise.
const SCOPES: [KeyScope; 3] = [KeyScope::Inference, KeyScope::Memory, KeyScope::Read];
const NAME: &str = "device login";

/// A login that has begun.
pub struct DeviceLogin {
    /// What its client asks with; whoever has it gets the key.
    pub device_code: Secret,
    /// What a person tells the operator.
    pub user_code: String,
    pub expires_in_s: u32,
    pub interval_s: u32,
}

/// What a client hears.
pub enum DeviceLoginOutcome {
    /// No such login, or its outcome was fetched before.
    Unknown,
    Expired,
    TooSoon,
    Waiting,
    Denied,
    Made {
        record: Box<KeyRecord>,
        key: Secret,
    },
}

/// How often all devices together have asked this process.
pub(crate) struct LoginRate(Mutex<RateWindow>);

impl Default for LoginRate {
    fn default() -> Self {
        Self(Mutex::new(RateWindow::of(ASKED)))
    }
}

impl LoginRate {
    fn take(&self, now: Timestamp) -> Result<()> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.used(now) >= ASKED.most() {
            let message = "too many devices log in at once; try again in a minute";
            return Err(Error::new(ErrorCode::TooManyRequests, message));
        }
        window.change(now, 1, 0);
        Ok(())
    }
}

impl Engine {
    /// Begins a login. Nobody has to be known for it.
    ///
    /// # Errors
    /// `too_many_requests` where many wait, or ask.
    pub async fn begin_device_login(&self) -> Result<DeviceLogin> {
        let now = self.clock().now();
        self.login_rate().take(now)?;
        let mut bytes = [0; DEVICE_CODE_BYTES];
        self.random().fill(&mut bytes)?;
        let device_code: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let user_code = self.user_code()?;
        let lifetime = seconds(EXPIRES_IN_S);
        let new = NewDeviceLogin {
            device_hash: hash(&device_code),
            user_hash: hash(&user_code),
            expires_at: Timestamp::from_micros(now.micros().saturating_add(lifetime)),
        };
        // Those that have expired are told so for a while.
        let forgotten = Timestamp::from_micros(now.micros().saturating_sub(lifetime));
        self.store().begin_device_login(new, WAITING_MAX, (now, forgotten)).await?;
        let device_code = Secret::new(device_code);
        let device_code = device_code.ok_or_else(|| Error::internal("an empty code was made"))?;
        Ok(DeviceLogin {
            device_code,
            user_code,
            expires_in_s: EXPIRES_IN_S,
            interval_s: INTERVAL_S,
        })
    }

    /// `BCDF-GHJK`. Of 256 values the 16 last are left out, so that each letter is as likely.
    fn user_code(&self) -> Result<String> {
        let mut letters = String::with_capacity(USER_CODE_LETTERS + 1);
        let mut byte = [0];
        while letters.len() <= USER_CODE_LETTERS {
            self.random().fill(&mut byte)?;
            let fair = usize::from(byte[0]);
            if fair < 256 - 256 % LETTERS.len() {
                letters.push(char::from(LETTERS[fair % LETTERS.len()]));
            }
            if letters.len() == USER_CODE_LETTERS / 2 {
                letters.push('-');
            }
        }
        Ok(letters)
    }

    /// Lets the device have a key of the caller's workspace, which is made when it fetches it.
    ///
    /// # Errors
    /// `not_found` where no login waits under this code; those of making such a key.
    pub async fn approve_device_login(
        &self,
        context: &CallContext,
        user_code: &str,
        wanted: KeyRequest,
    ) -> Result<()> {
        let mut wanted = wanted;
        if wanted.name.trim().is_empty() {
            wanted.name = NAME.to_owned();
        }
        wanted.scopes.get_or_insert_with(|| SCOPES.into_iter().collect());
        wanted.check(self.clock().now())?;
        let key_request = serde_json::to_string(&wanted)
            .map_err(|cause| Error::internal(format!("a key's wishes are not JSON: {cause}")))?;
        let approved = ApprovedLogin { workspace: context.workspace.clone(), key_request };
        self.decide_device_login(user_code, LoginDecision::Approved(approved)).await
    }

    /// # Errors
    /// `not_found` where no login waits under this code.
    pub async fn deny_device_login(&self, user_code: &str) -> Result<()> {
        self.decide_device_login(user_code, LoginDecision::Denied).await
    }

    async fn decide_device_login(&self, user_code: &str, decision: LoginDecision) -> Result<()> {
        let user_code = user_code.trim().to_ascii_uppercase();
        let decided = self
            .store()
            .decide_device_login(hash(&user_code), decision, self.clock().now())
            .await?;
        if decided {
            return Ok(());
        }
        let message = format!(
            "no login waits under the code {user_code}; it may have expired or be decided: log in anew"
        );
        Err(Error::new(ErrorCode::NotFound, message))
    }

    /// What has become of a login; makes its key, once, where it was approved.
    ///
    /// # Errors
    /// `too_many_requests`; those of making a key.
    pub async fn fetch_device_login(&self, device_code: &str) -> Result<DeviceLoginOutcome> {
        let now = self.clock().now();
        self.login_rate().take(now)?;
        let soonest = Timestamp::from_micros(now.micros().saturating_sub(seconds(INTERVAL_S)));
        let state = self.store().ask_device_login(hash(device_code), (now, soonest)).await?;
        Ok(match state {
            LoginState::Unknown => DeviceLoginOutcome::Unknown,
            LoginState::Expired => DeviceLoginOutcome::Expired,
            LoginState::TooSoon => DeviceLoginOutcome::TooSoon,
            LoginState::Waiting => DeviceLoginOutcome::Waiting,
            LoginState::Denied => DeviceLoginOutcome::Denied,
            LoginState::Approved(ApprovedLogin { workspace, key_request }) => {
                let wanted: KeyRequest = serde_json::from_str(&key_request).map_err(|cause| {
                    Error::internal(format!("a login's key request is unreadable: {cause}"))
                })?;
                let (record, key) = self.make_key(&workspace, wanted).await?;
                DeviceLoginOutcome::Made { record: Box::new(record), key }
            }
        })
    }
}

const fn seconds(count: u32) -> i64 {
    count as i64 * 1_000_000
}
