//! Takes down an answer that goes by, and keeps it if it ends well.

use backstay_core::{
    Timestamp,
    chat::{ChatEvent, ChatReply, FinishReason, Frame},
};
use backstay_routing::Endpoint;
use backstay_store::{CACHED_ANSWER_BYTES_MAX, CacheKey, NewCachedAnswer};

use super::stored::{Stored, StoredFrame};

pub(crate) struct Recording {
    key: CacheKey,
    ttl_seconds: u32,
    /// `None` for an answer that will not be kept.
    frames: Option<Vec<StoredFrame>>,
    bytes: usize,
}

impl Recording {
    pub(super) fn new(key: CacheKey, ttl_seconds: u32) -> Self {
        Self { key, ttl_seconds, frames: Some(Vec::new()), bytes: 0 }
    }

    pub(super) fn ttl_seconds(&self) -> u64 {
        self.ttl_seconds.into()
    }

    pub(crate) fn push(&mut self, frame: &Frame) {
        let Some(frames) = &mut self.frames else { return };
        let continued =
            frame.events.iter().any(|event| matches!(event, ChatEvent::Continued { .. }));
        let stored = StoredFrame::of(frame);
        self.bytes = self.bytes.saturating_add(stored.size());
        if continued || self.bytes > CACHED_ANSWER_BYTES_MAX {
            self.frames = None;
        } else {
            frames.push(stored);
        }
    }

    /// The answer to keep, if it is one endpoint's, whole, and ended as the request lets it end.
    pub(crate) fn finish(
        self,
        endpoint: &Endpoint,
        dropped: &[String],
        reply: &ChatReply,
        now: Timestamp,
    ) -> Option<NewCachedAnswer> {
        let frames = self.frames?;
        let is_whole = !reply.choices.is_empty()
            && reply.choices.iter().all(|choice| {
                matches!(
                    choice.finish_reason,
                    Some(FinishReason::Stop | FinishReason::Length | FinishReason::ToolCalls)
                )
            });
        if !is_whole {
            return None;
        }
        let answer = Stored::by(endpoint, dropped.to_vec(), frames)
            .write()
            .inspect_err(|cause| tracing::warn!(%cause, "an answer cannot be kept"))
            .ok()?;
        let ttl = i64::from(self.ttl_seconds).saturating_mul(1_000);
        let expires_at = Timestamp::from_millis(now.millis().saturating_add(ttl));
        Some(NewCachedAnswer { of: self.key, answer, expires_at })
    }
}
