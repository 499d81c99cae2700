//! How a client learns whether it was given an earlier answer.

use backstay_engine::CacheOutcome;
use backstay_wire::CacheNote;

/// As OpenRouter's clients read it; nothing of a call that has nothing to do with the cache.
pub(crate) fn headers(outcome: &CacheOutcome) -> Vec<(&'static str, String)> {
    let (status, ttl_seconds) = match outcome {
        CacheOutcome::Hit { ttl_seconds, .. } => ("HIT", ttl_seconds),
        CacheOutcome::Miss { ttl_seconds } => ("MISS", ttl_seconds),
        CacheOutcome::Bypass(_) => return Vec::new(),
    };
    let mut headers = vec![
        ("x-openrouter-cache-status", status.to_owned()),
        ("x-openrouter-cache-ttl", ttl_seconds.to_string()),
    ];
    if let CacheOutcome::Hit { source, age_seconds, .. } = outcome {
        headers.push(("x-openrouter-cache-age", age_seconds.to_string()));
        headers.push(("x-openrouter-cache-source-id", source.to_string()));
    }
    headers
}

pub(crate) fn note(outcome: &CacheOutcome) -> CacheNote {
    match outcome {
        CacheOutcome::Hit { source, age_seconds, saved, .. } => {
            CacheNote::Hit { age_seconds: *age_seconds, source: source.clone(), saved: *saved }
        }
        CacheOutcome::Miss { .. } => CacheNote::Miss,
        CacheOutcome::Bypass(reason) => CacheNote::Bypass { reason: reason.as_str() },
    }
}
