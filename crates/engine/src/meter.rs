//! Watches an answer go by, and settles it when it ends: well, badly, or because nobody listens.

use backstay_core::{
    Error, GenerationId, Result,
    chat::{ChatEvent, ChatReply, Collector, Frame, Settlement, SettlementStatus},
};
use backstay_providers::FrameStream;
use backstay_routing::{AttemptLog, ConversationKey, Endpoint};
use backstay_store::CachedFrom;
use futures::{StreamExt as _, stream};

use crate::{admission::KeyWatch, open::Open, response_cache::Recording};

/// Holds an open generation. Dropped while it still holds it, the client has gone away: one message
/// to the settlement job closes the generation as cancelled, with what had been answered.
pub(crate) struct Guard {
    id: GenerationId,
    attempts: AttemptLog,
    /// `None` once it is settled.
    open: Option<Box<Open>>,
    key: KeyWatch,
    said: Collector,
}

impl Guard {
    pub(crate) fn new(open: Open) -> Self {
        Self {
            id: open.id.clone(),
            attempts: open.attempts.clone(),
            key: open.engine.admission().open_calls().watch(open.context.credential),
            open: Some(Box::new(open)),
            said: Collector::default(),
        }
    }

    pub(crate) fn id(&self) -> &GenerationId {
        &self.id
    }

    pub(crate) fn attempts(&self) -> AttemptLog {
        self.attempts.clone()
    }

    /// Waits until the caller's key is taken back; returns what the caller is to be told.
    pub(crate) async fn revoked(&mut self) -> Error {
        self.key.revoked().await
    }

    /// A call whose answer came whole has succeeded.
    pub(crate) async fn complete(&mut self, reply: ChatReply) -> Result<Settlement> {
        match self.open.take() {
            Some(open) => open.close(SettlementStatus::Completed, None, reply).await,
            None => Err(Error::internal("a call was settled twice")),
        }
    }

    /// An endpoint has begun to answer.
    pub(crate) fn answering(
        &mut self,
        endpoint: Endpoint,
        conversation: Option<ConversationKey>,
        dropped: &[String],
    ) {
        if let Some(open) = self.open.as_deref_mut() {
            open.endpoint = Some(endpoint);
            open.conversation = conversation;
            open.dropped = dropped.to_vec();
        }
    }

    /// What is answered was answered before.
    pub(crate) fn repeating(&mut self, from: CachedFrom) {
        if let Some(open) = self.open.as_deref_mut() {
            open.cached = Some(from);
        }
    }

    /// Takes the answer down, so that it can be given again.
    pub(crate) fn record(&mut self, recording: Option<Recording>) {
        if let Some(open) = self.open.as_deref_mut() {
            open.recording = recording;
        }
    }

    /// Nothing answered: the generation is settled as failed. Returns the error with the attempts
    /// that failed before it.
    pub(crate) async fn fail(&mut self, error: Error) -> Result<Error> {
        self.fail_settled(error).await.map(|(error, _)| error)
    }

    /// The same, and what the ledger says of it.
    pub(crate) async fn fail_settled(&mut self, error: Error) -> Result<(Error, Settlement)> {
        let Some(open) = self.open.take() else {
            return Err(Error::internal("a call was settled twice"));
        };
        let (status, reply) = (SettlementStatus::Failed, ChatReply::default());
        let settlement = open.close(status, Some(&error), reply).await?;
        Ok((self.with_earlier(error), settlement))
    }

    fn with_earlier(&self, error: Error) -> Error {
        let earlier = self.attempts.failures_before(&error);
        if earlier.is_empty() { error } else { error.with_earlier(earlier) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let jobs = open.engine.jobs().clone();
            jobs.settle_cancelled(*open, std::mem::take(&mut self.said).finish());
        }
    }
}

struct Metered {
    guard: Guard,
    frames: FrameStream,
    state: State,
}

enum State {
    Answering,
    /// The ledger has been told; this error still has to be.
    Failing(Error),
    Done,
}

/// The answer with a settled event at its end. The settlement is committed before that event is
/// given out, so whoever has seen the end of an answer can rely on its row and its turn.
pub(crate) fn metered(guard: Guard, frames: FrameStream) -> FrameStream {
    let metered = Metered { guard, frames, state: State::Answering };
    Box::pin(stream::unfold(metered, |mut metered| async move {
        let item = metered.next().await?;
        Some((item, metered))
    }))
}

impl Metered {
    async fn next(&mut self) -> Option<Result<Frame>> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Done => None,
            State::Failing(error) => Some(Err(error)),
            State::Answering => match self.frame().await {
                Some(Ok(frame)) => {
                    self.state = State::Answering;
                    self.watch(&frame);
                    Some(Ok(frame))
                }
                Some(Err(error)) => self.settle(Some(error)).await,
                None => self.settle(None).await,
            },
        }
    }

    /// What comes next of the answer, unless the caller's key was taken back.
    async fn frame(&mut self) -> Option<Result<Frame>> {
        tokio::select! {
            biased;
            revoked = self.guard.revoked() => Some(Err(revoked)),
            frame = self.frames.next() => frame,
        }
    }

    fn watch(&mut self, frame: &Frame) {
        for event in &frame.events {
            self.guard.said.push(event);
            if let (ChatEvent::Continued { .. }, Some(open)) =
                (event, self.guard.open.as_deref_mut())
            {
                open.endpoint = open.attempts.answering();
            }
        }
        let begun = frame.events.iter().any(ChatEvent::is_content);
        let Some(open) = self.guard.open.as_deref_mut() else { return };
        if begun && open.first_token_at.is_none() {
            open.first_token_at = Some(open.engine.clock().now());
        }
        if let Some(recording) = &mut open.recording {
            recording.push(frame);
        }
    }

    async fn settle(&mut self, error: Option<Error>) -> Option<Result<Frame>> {
        // The upstream's connection goes back to its pool before the disk is waited for.
        self.frames = Box::pin(stream::empty());
        let open = self.guard.open.take()?;
        let reply = std::mem::take(&mut self.guard.said).finish();
        let status = match &error {
            None => SettlementStatus::Completed,
            Some(_) => SettlementStatus::Failed,
        };
        match open.close(status, error.as_ref(), reply).await {
            Ok(settlement) => {
                if let Some(error) = error {
                    self.state = State::Failing(self.guard.with_earlier(error));
                }
                Some(Ok(Frame::of(ChatEvent::Settled(Box::new(settlement)))))
            }
            Err(store_error) => Some(Err(store_error)),
        }
    }
}
