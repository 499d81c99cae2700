//! Answers that are given again to the same request, where the client asks for it.
//!
//! What belongs to one API key of one workspace never answers another. What the prompt holds of memory
//! or of a thread may be forgotten, and what must not be retained must not be kept: such calls bypass
//! the cache.

mod fingerprint;
mod recording;
mod stored;

use backstay_core::{CallContext, GenerationId, Money, Result, Timestamp, chat::Frame};
use backstay_routing::{Endpoint, Plan};
use backstay_store::{CacheKey, CachedAnswer, CachedFrom};
use backstay_wire::CacheRequest;

use self::stored::Stored;
use crate::{Engine, conversation::Turn};

pub(crate) use recording::Recording;

/// What became of a client's wish for a cached answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    Hit {
        /// The call that the answer was made in.
        source: GenerationId,
        age_seconds: u64,
        /// For how long it may still be given.
        ttl_seconds: u64,
        /// What that call had cost; `None` when that is unknown.
        saved: Option<Money>,
    },
    Miss {
        /// For how long the answer may be given again, if it ends well.
        ttl_seconds: u64,
    },
    Bypass(Bypass),
}

/// Why nothing is looked up and nothing kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bypass {
    /// The prompt holds something remembered, or the call is to leave nothing behind.
    Memory,
    /// Nobody may retain what is said.
    ZeroRetention,
}

impl Bypass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::ZeroRetention => "zero_retention",
        }
    }
}

/// How a call that asks for the cache goes on.
pub(crate) enum Lookup {
    Hit(Hit),
    Miss(Recording),
    Bypass(Bypass),
}

/// An earlier answer.
pub(crate) struct Hit {
    pub(crate) from: CachedFrom,
    pub(crate) endpoint: Endpoint,
    pub(crate) dropped: Vec<String>,
    pub(crate) frames: Vec<Frame>,
    age_seconds: u64,
    ttl_seconds: u64,
}

impl Lookup {
    pub(crate) fn outcome(&self) -> CacheOutcome {
        match self {
            Self::Hit(hit) => CacheOutcome::Hit {
                source: hit.from.generation.clone(),
                age_seconds: hit.age_seconds,
                ttl_seconds: hit.ttl_seconds,
                saved: hit.from.saved,
            },
            Self::Miss(recording) => CacheOutcome::Miss { ttl_seconds: recording.ttl_seconds() },
            Self::Bypass(reason) => CacheOutcome::Bypass(*reason),
        }
    }
}

/// Looks for an earlier answer to the request as it would be sent.
pub(crate) async fn look_up(
    engine: &Engine,
    context: &CallContext,
    plan: &Plan,
    turn: &Turn,
    asked: CacheRequest,
) -> Result<Lookup> {
    if turn.request.routing.zero_retention {
        return Ok(Lookup::Bypass(Bypass::ZeroRetention));
    }
    if turn.may_be_forgotten {
        return Ok(Lookup::Bypass(Bypass::Memory));
    }
    let request = fingerprint::of(context, turn.keep.scope.as_ref(), &turn.request)?;
    let key = CacheKey { key: context.key.clone(), request };
    let store = engine.store().workspace(&context.workspace);
    if asked.clear {
        store.drop_cached_answer(&key).await?;
    } else {
        let now = engine.clock().now();
        let found = store.cached_answer(&key, now).await?;
        if let Some(hit) = found.and_then(|found| hit(found, plan, now)) {
            return Ok(Lookup::Hit(hit));
        }
    }
    Ok(Lookup::Miss(Recording::new(key, asked.ttl_seconds)))
}

/// An answer counts only while the endpoint that made it may serve the request: a filter is hard.
fn hit(found: CachedAnswer, plan: &Plan, now: Timestamp) -> Option<Hit> {
    let CachedAnswer { generation, cost, created_at, expires_at, answer } = found;
    let stored = Stored::read(&answer)
        .inspect_err(|cause| tracing::warn!(%generation, %cause, "a cached answer is unreadable"))
        .ok()?;
    let endpoint = plan.endpoints.iter().find(|endpoint| stored.is_by(endpoint))?.clone();
    let Stored { dropped, frames, .. } = stored;
    Some(Hit {
        from: CachedFrom { generation, saved: cost },
        endpoint,
        dropped,
        frames: frames.into_iter().map(Frame::from).collect(),
        age_seconds: seconds(created_at, now),
        ttl_seconds: seconds(now, expires_at),
    })
}

/// Whole seconds.
fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from((to.millis() - from.millis()) / 1_000).unwrap_or(0)
}
