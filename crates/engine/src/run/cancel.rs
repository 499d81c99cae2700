//! Stopping a run, whichever server carries it out.

use std::time::Duration;

use backstay_core::{CallContext, Result, RunId, ThreadId};
use backstay_store::{RunState, Workspace};

use super::resume;
use crate::Engine;

/// Servers look for runs that they are to stop four times a second.
const OTHERS_WITHIN: Duration = Duration::from_millis(1_500);
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Engine {
    /// Stops a run that goes on or waits. Whether it did either.
    ///
    /// # Errors
    /// `not_found` for a run that is not of this thread.
    pub async fn cancel_run(
        &self,
        context: &CallContext,
        thread: &ThreadId,
        run: &RunId,
    ) -> Result<bool> {
        let is_active = self.active_runs().cancel(&context.workspace, thread, run);
        let store = self.store().workspace(&context.workspace);
        let kept = store.run(run).await?.filter(|kept| kept.thread == *thread);
        match kept.map(|kept| kept.state) {
            Some(RunState::Waiting) => Ok(store.cancel_run(run).await? || is_active),
            Some(RunState::Completed | RunState::Cancelled) => Ok(is_active),
            _ if is_active => Ok(true),
            Some(RunState::Cancelling) => self.cancelled_elsewhere(&store, run).await,
            None if self.store().is_shared() && store.run(run).await?.is_none() => {
                store.ask_to_cancel(run, thread, self.clock().now()).await?;
                self.cancelled_elsewhere(&store, run).await
            }
            None => Err(resume::missing(run)),
        }
    }

    /// Whether another server has stopped the run; one that nobody carries out is not there.
    async fn cancelled_elsewhere(&self, store: &Workspace, run: &RunId) -> Result<bool> {
        let looks = OTHERS_WITHIN.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..looks {
            tokio::time::sleep(LOOK_EVERY).await;
            match store.run(run).await?.map(|kept| kept.state) {
                Some(RunState::Cancelling) => {}
                Some(RunState::Cancelled) => return Ok(true),
                Some(RunState::Waiting) => return store.cancel_run(run).await,
                Some(RunState::Completed) => return Ok(false),
                None => break,
            }
        }
        match store.nobody_cancels(run).await? {
            true => Err(resume::missing(run)),
            false => {
                Ok(store.run(run).await?.is_some_and(|kept| kept.state == RunState::Cancelled))
            }
        }
    }
}
