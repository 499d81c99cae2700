//! Going on with an answer that broke off, where the client asked for that.
//!
//! Another endpoint is given what was said as the beginning of its answer. The client is told
//! ([`ChatEvent::Continued`]): two models' words stand in one answer, which nobody gets unasked.

use std::sync::Arc;

use backstay_core::{
    Error, Result,
    chat::{ChatEvent, ChatRequest, Frame, Message, Role},
    tokens,
};
use backstay_providers::{Deadlines, FrameStream};
use futures::{StreamExt as _, stream};

use crate::{
    Endpoint, Router, Started,
    attempt::{AttemptLog, charge_of_broken},
};

/// An answer that breaks off more often is given up.
const CONTINUATIONS_MAX: u32 = 2;

pub(crate) struct Continuing {
    pub(crate) router: Router,
    pub(crate) request: Arc<ChatRequest>,
    /// The endpoints that were not tried yet.
    pub(crate) others: Vec<Endpoint>,
    pub(crate) deadlines: Deadlines,
    pub(crate) log: AttemptLog,
    endpoint: Endpoint,
    attempt: usize,
    frames: FrameStream,
    said: String,
    /// White space at the end of what was said, which the next model is not shown and may say again.
    owed: String,
    /// Only text can be continued: half a tool call is no beginning.
    is_text: bool,
    continuations: u32,
    is_over: bool,
}

impl Continuing {
    /// Watches an answer that has begun.
    pub(crate) fn watch(
        router: Router,
        request: Arc<ChatRequest>,
        others: Vec<Endpoint>,
        deadlines: Deadlines,
        log: AttemptLog,
        started: Started,
    ) -> Started {
        let Started { endpoint, frames, dropped, attempt } = started;
        let watched = Self {
            router,
            request,
            others,
            deadlines,
            log,
            endpoint: endpoint.clone(),
            attempt,
            frames,
            said: String::new(),
            owed: String::new(),
            is_text: true,
            continuations: 0,
            is_over: false,
        };
        let frames = stream::unfold(watched, |mut watched| async move {
            let item = watched.next().await?;
            Some((item, watched))
        });
        Started { endpoint, frames: Box::pin(frames), dropped, attempt }
    }

    async fn next(&mut self) -> Option<Result<Frame>> {
        if self.is_over {
            return None;
        }
        match self.frames.next().await {
            Some(Ok(frame)) => {
                let frame = self.as_continued(frame);
                frame.events.iter().for_each(|event| self.hear(event));
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(self.go_on(error).await),
            None => None,
        }
    }

    fn hear(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Text { choice: 0, text } => self.said.push_str(text),
            ChatEvent::Started { .. } | ChatEvent::Reasoning { .. } | ChatEvent::Usage(_) => {}
            _ => self.is_text = false,
        }
    }

    /// The events alone: bytes of two answers do not make one, and whether there will be a second is
    /// not known while the first is written.
    fn as_continued(&mut self, frame: Frame) -> Frame {
        if self.continuations == 0 {
            return Frame { raw: None, ..frame };
        }
        let mut events = frame.events;
        events.retain_mut(|event| match event {
            ChatEvent::Started { .. } => false,
            ChatEvent::Text { text, .. } => {
                let owed = std::mem::take(&mut self.owed);
                if let Some(rest) = text.strip_prefix(&owed) {
                    *text = rest.to_owned();
                }
                !text.is_empty()
            }
            _ => true,
        });
        Frame { events, raw: None }
    }

    async fn go_on(&mut self, error: Error) -> Result<Frame> {
        let may_go_on = error.code().is_retryable()
            && self.is_text
            && !self.said.is_empty()
            && self.continuations < CONTINUATIONS_MAX
            && self.router.may_retry();
        if !may_go_on {
            self.is_over = true;
            return Err(error);
        }
        self.give_up_on_current(&error);
        let endpoint = match self.others.is_empty() {
            true => self.endpoint.clone(),
            false => self.others.remove(0),
        };
        let request = self.with_beginning();
        self.deadlines = self.deadlines.next_attempt();
        let begun = self.router.attempt(&endpoint, &request, self.deadlines, &self.log).await;
        let Ok(started) = begun else {
            self.is_over = true;
            return Err(error);
        };
        self.continuations += 1;
        self.owed = self.said[self.said.trim_end().len()..].to_owned();
        self.frames = started.frames;
        self.attempt = started.attempt;
        self.endpoint = started.endpoint;
        Ok(Frame::of(ChatEvent::Continued {
            provider: self.endpoint.provider.id.clone(),
            model: self.endpoint.model.clone(),
        }))
    }

    /// The attempt that broke off failed after all, and its provider charges for what it said.
    fn give_up_on_current(&self, error: &Error) {
        self.router.health().failed(&self.endpoint.name(), error);
        let charge = charge_of_broken(&self.endpoint, &self.request, tokens::estimate(&self.said));
        self.log.fail(self.attempt, error, Some(charge));
    }

    fn with_beginning(&self) -> ChatRequest {
        let mut request = self.request.as_ref().clone();
        // Providers refuse an answer's beginning that ends in white space.
        let beginning = self.said.trim_end();
        request.messages.push(Message::text_of(Role::Assistant, beginning));
        if let Some(left) = &mut request.parameters.max_tokens {
            *left = left.saturating_sub(tokens::estimate(&self.said)).max(1);
        }
        request
    }
}
