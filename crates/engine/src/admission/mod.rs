//! Who is calling, may they, and how fast: the one place that decides it.

mod away;
mod open_calls;
mod rates;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use backstay_core::{
    CallContext, Clock, Error, ErrorCode, KeyScope, RateUse, RequestId, Result, Spending,
    Timestamp, WhenStoreIsAway,
};
use backstay_store::{KeyChanges, KeyRecord, Store};
use tokio::sync::Notify;

use crate::keys::hash;

use away::Away;

pub(crate) use open_calls::{KeyWatch, OpenCalls};
pub(crate) use rates::{RateHold, Rates};

/// How long a looked-up key is believed where nobody told of a change, so that a revoked one stops
/// working within a second.
const BELIEVED_MS: i64 = 1_000;
const CACHED_KEYS_MAX: usize = 10_000;

/// What a route asks of a caller's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any key that is valid.
    AnyKey,
    /// A key with one of these scopes.
    OneOf(&'static [KeyScope]),
}

/// Looks keys up by their hash and remembers them for a moment.
pub struct Admission {
    store: Store,
    clock: Clock,
    recent: Mutex<HashMap<[u8; 32], Known>>,
    rates: Rates,
    open_calls: OpenCalls,
    /// `None` where no call is answered without the store.
    away: Option<Away>,
    /// A key was changed by this process.
    changed: Notify,
}

#[derive(Clone)]
struct Known {
    key: Arc<Key>,
    looked_up_at: Timestamp,
}

/// A key in the form that every call needs.
struct Key {
    /// Without the request's own id.
    context: CallContext,
    expires_at: Option<Timestamp>,
    disabled: bool,
    /// Whether its calls are answered while the store is away: what it may spend and how fast it may be
    /// used could not be checked then.
    goes_on: bool,
}

impl Admission {
    /// `may_go_on`: calls may be answered while the store is away, where their workspace allows it.
    pub(crate) fn new(store: Store, clock: Clock, may_go_on: bool) -> Self {
        let rates = Rates::new(&store);
        Self {
            store,
            clock,
            recent: Mutex::default(),
            rates,
            open_calls: OpenCalls::default(),
            away: may_go_on.then(Away::default),
            changed: Notify::new(),
        }
    }

    /// The caller behind a key, who may do what the route does and has not done too much of it.
    /// `access` is `None` for a route that nobody has said who may use: it is refused.
    ///
    /// Fails as [`Admission::identify`], with `permission_denied`, and with `too_many_requests`.
    pub async fn admit(
        &self,
        presented: Option<&str>,
        request: RequestId,
        access: Option<Access>,
    ) -> Result<CallContext> {
        let context = self.identify(presented, request).await?;
        Self::authorise(&context, access)?;
        if !context.rate_limits.is_empty() {
            let limits = &context.rate_limits;
            let of = (&context.workspace, &context.key);
            self.rates.take(of, limits, RateUse::REQUEST, self.clock.now()).await?;
        }
        Ok(context)
    }

    /// The caller behind a key, whatever they may do. Fails with `missing_api_key`,
    /// `invalid_api_key`, `disabled_api_key` or `expired_api_key`.
    pub async fn identify(
        &self,
        presented: Option<&str>,
        request: RequestId,
    ) -> Result<CallContext> {
        let presented =
            presented.map(str::trim).filter(|key| !key.is_empty()).ok_or_else(|| {
                Error::new(
                    ErrorCode::MissingKey,
                    "no API key; send it as 'Authorization: Bearer bs-…' or as 'x-api-key: bs-…'",
                )
            })?;
        let (key, store_is_away) = self.key(hash(presented)).await?;
        key.check(self.clock.now())?;
        Ok(CallContext { request, store_is_away, ..key.context.clone() })
    }

    /// Whether the caller's key has what the route asks for. Fails with `permission_denied`.
    pub fn authorise(context: &CallContext, access: Option<Access>) -> Result<()> {
        authorise(context, access)
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Gives back what this node took of shared rate limits and no longer needs.
    pub(crate) async fn give_back_rates(&self) -> Result<()> {
        self.rates.give_back(self.clock.now()).await
    }

    pub(crate) fn open_calls(&self) -> &OpenCalls {
        &self.open_calls
    }

    /// A key was changed: every key is looked up again at its next use, and those of open calls now.
    pub(crate) fn forget_keys(&self) {
        self.forget_recent();
        self.changed.notify_one();
    }

    /// Ends open calls whose key was taken back: at once when this process or another told of a
    /// change, and soon when nobody did.
    pub(crate) async fn end_calls_of_revoked_keys(&self) {
        let mut elsewhere: KeyChanges = self.store.key_changes();
        loop {
            tokio::select! {
                () = self.changed.notified() => {}
                () = elsewhere.next() => self.forget_recent(),
                () = self.open_calls.due() => {}
            }
            if let Err(error) = self.end_revoked().await {
                tracing::warn!(%error, cause = error.context(), "keys of open calls were not looked at");
            }
        }
    }

    async fn end_revoked(&self) -> Result<()> {
        let open = self.open_calls.keys();
        if open.is_empty() {
            return Ok(());
        }
        let known: HashMap<_, _> = self.store.find_keys(&open).await?.into_iter().collect();
        let now = self.clock.now();
        for hash in open {
            let checked = match known.get(&hash) {
                Some(record) => Key::of(record.clone(), &hash).check(now),
                None => Err(unknown()),
            };
            if let Err(error) = checked {
                self.open_calls.end(&hash, error);
            }
        }
        Ok(())
    }

    fn forget_recent(&self) {
        if let Ok(mut all) = self.recent.lock() {
            all.clear();
        }
    }

    /// The key, and whether its caller is to be served without the store.
    async fn key(&self, hash: [u8; 32]) -> Result<(Arc<Key>, bool)> {
        let now = self.clock.now();
        let known = self.recent.lock().ok().and_then(|all| all.get(&hash).cloned());
        let age_ms = known
            .as_ref()
            .map_or(i64::MAX, |known| now.millis().saturating_sub(known.looked_up_at.millis()));
        let goes_on =
            known.as_ref().filter(|known| known.key.goes_on && age_ms < away::BELIEVED_MS);
        let found = match (&self.away, goes_on) {
            (Some(away), Some(known)) => {
                if away.is_known(now) {
                    return Ok((Arc::clone(&known.key), true));
                }
                if age_ms < BELIEVED_MS {
                    return Ok((Arc::clone(&known.key), false));
                }
                match away.look_up(&self.store, &hash, now).await {
                    Some(found) => found?,
                    None => return Ok((Arc::clone(&known.key), true)),
                }
            }
            _ => {
                if let Some(known) = known.filter(|_| age_ms < BELIEVED_MS) {
                    return Ok((known.key, false));
                }
                self.store.find_key(&hash).await?
            }
        };
        let key = Arc::new(Key::of(found.ok_or_else(unknown)?, &hash));
        if let Ok(mut all) = self.recent.lock() {
            if all.len() >= CACHED_KEYS_MAX {
                all.clear();
            }
            all.insert(hash, Known { key: Arc::clone(&key), looked_up_at: now });
        }
        Ok((key, false))
    }
}

impl Key {
    fn of(record: KeyRecord, presented: &[u8; 32]) -> Self {
        let settings = record.settings;
        // The text that the key had before it was rotated ends earlier than the key.
        let replaced = record.token.hash != *presented;
        let replaced_at = replaced.then_some(record.previous_until).flatten();
        let ends = [settings.expires_at, replaced_at];
        let goes_on = record.when_store_is_away == WhenStoreIsAway::AnswerWithoutMemory
            && !record.has_budget
            && settings.rate_limits.is_empty();
        let spending = match record.has_budget {
            true => Spending::Limited {
                allow_unpriced: settings.allow_unpriced,
                strict: settings.strict_budget,
            },
            false => Spending::Unlimited,
        };
        Self {
            context: CallContext {
                credential: Some(*presented),
                policy: Arc::new(settings.policy),
                spending,
                scopes: settings.scopes,
                rate_limits: settings.rate_limits.into(),
                ..CallContext::unlimited(record.workspace, record.id, RequestId::unknown())
            },
            expires_at: ends.into_iter().flatten().min(),
            disabled: record.disabled_at.is_some(),
            goes_on,
        }
    }

    fn check(&self, now: Timestamp) -> Result<()> {
        if self.disabled {
            let message = "this API key is disabled; enable it, or use another";
            return Err(Error::new(ErrorCode::DisabledKey, message));
        }
        if let Some(end) = self.expires_at.filter(|end| *end <= now) {
            let message = format!("this API key expired at {end}; use another");
            return Err(Error::new(ErrorCode::ExpiredKey, message));
        }
        Ok(())
    }
}

/// Whether the caller's key has what the route asks for.
fn authorise(context: &CallContext, access: Option<Access>) -> Result<()> {
    let needed = match access {
        Some(Access::AnyKey) => return Ok(()),
        Some(Access::OneOf(needed)) => needed,
        None => {
            let message = "no key may use this route: it says not which scope it needs";
            return Err(Error::new(ErrorCode::PermissionDenied, message));
        }
    };
    if needed.iter().any(|scope| context.scopes.contains(*scope)) {
        return Ok(());
    }
    let names: Vec<&str> = needed.iter().map(|scope| scope.as_str()).collect();
    Err(Error::new(
        ErrorCode::PermissionDenied,
        format!(
            "this needs a key with the scope {}; this key has: {}",
            names.join(" or "),
            context.scopes
        ),
    ))
}

/// Calls that use memory need its scope as well as that of inference.
pub(crate) fn authorise_memory(context: &CallContext) -> Result<()> {
    if context.scopes.contains(KeyScope::Memory) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::PermissionDenied,
        "this key may call models and not use memory: leave `backstay` out, set its `memory` to \
         \"off\", or use a key with the scope memory",
    )
    .with_parameter("backstay"))
}

fn unknown() -> Error {
    let message = "this API key is not known here; check that it was copied whole";
    Error::new(ErrorCode::InvalidKey, message)
}
