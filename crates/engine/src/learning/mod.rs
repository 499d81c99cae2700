//! Learning: after a conversation, as a durable job, a model is asked what of it is worth
//! remembering.
//!
//! What it says is believed only as far as the turns bear it out; that and what changes by it is
//! decided in [`backstay_memory::learn`]. Here is the order: lease a job, read its turns, check the
//! cap, ask, mend once, write what was learned and how far in one transaction. A process that dies
//! anywhere before that transaction has learned nothing, and the next one learns it all.

mod call;
mod options;
mod worker;

use backstay_core::{CallContext, Result, ThreadId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Engine;

pub(crate) use call::ask;
pub use options::{CALL_TOKENS_MAX, LearningOptions};
pub(crate) use worker::learn_forever;

/// How far learning is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LearningStatus {
    /// The model that learns.
    pub model: String,
    /// Threads that are still to be learned from.
    pub pending: u64,
    /// Threads whose learning failed too often and waits for somebody to ask again.
    pub failed: u64,
    /// Why one of them is not done yet, if it was tried.
    pub last_error: Option<String>,
}

impl Engine {
    /// `None` when no model learns.
    pub async fn learning_status(&self, workspace: &WorkspaceId) -> Result<Option<LearningStatus>> {
        let Some(options) = &self.options().learning else { return Ok(None) };
        let backlog = self.store().workspace(workspace).learning_backlog().await?;
        Ok(Some(LearningStatus {
            model: options.model.clone(),
            pending: backlog.pending,
            failed: backlog.failed,
            last_error: backlog.last_error,
        }))
    }

    /// Has a thread learned from, where a model learns.
    pub(crate) async fn learn_from(&self, context: &CallContext, thread: &ThreadId) -> Result<()> {
        if self.options().learning.is_some() {
            let store = self.store().workspace(&context.workspace);
            store.learn_thread(thread, self.clock().now()).await?;
            self.jobs().learn_soon();
        }
        Ok(())
    }
}
