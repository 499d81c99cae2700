//! Work that goes on behind calls. The one place that starts detached tasks, so that a shutdown can
//! wait for them.

use std::{future::Future, sync::Arc, task::Poll, time::Duration};

use backstay_core::{
    Error, ErrorCode, Result, Timestamp,
    chat::{ChatReply, SettlementStatus},
};
use backstay_store::{SettledGeneration, Store, Workspace};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Engine, documents, learning, open::Open};

/// Running background tasks; clones share them.
#[derive(Clone, Default)]
pub struct Jobs {
    tracker: TaskTracker,
    stop: CancellationToken,
    embed: Arc<Notify>,
    learn: Arc<Notify>,
    read_documents: Arc<Notify>,
    erase_documents: Arc<Notify>,
}

/// Turns that are embedded in one step, so that a stop does not wait long.
const EMBED_BATCH: usize = 32;
/// Chunks of documents that are embedded with a batch of what was said.
const DOCUMENTS_SHARE: usize = 8;
/// Rows that another process wrote are found even when nobody says so.
const EMBED_POLL: Duration = Duration::from_secs(30);
/// How soon a memory that has become large is searched by the database.
const INDEX_POLL: Duration = Duration::from_secs(5);
/// Memories that expire in one transaction.
const EXPIRE_BATCH: usize = 500;
/// How late a memory may be deleted.
const EXPIRE_POLL: Duration = Duration::from_secs(60);
/// How late a month may be dropped; the next is made a month ahead.
const RETAIN_POLL: Duration = Duration::from_secs(3_600);
/// How soon after its lease a process is known to be gone.
const RECOVER_POLL: Duration = Duration::from_secs(10);
/// Slots of a rate limit's window are no shorter.
const RATES_POLL: Duration = Duration::from_secs(1);
/// How late the rows of budgets hold what calls have cost that drew on slices.
const SLICES_POLL: Duration = Duration::from_secs(1);
/// How soon a run stops that another server was asked to stop.
const CANCELLED_POLL: Duration = Duration::from_millis(250);
/// How soon the ledger has calls that it missed.
const SPOOL_POLL: Duration = Duration::from_secs(2);
const SETTLE_AGAIN_FIRST: Duration = Duration::from_millis(200);
const SETTLE_AGAIN_LATEST: Duration = Duration::from_secs(10);
const MODELS_REFRESH: Duration = Duration::from_secs(600);

impl Jobs {
    /// Runs beside everything else until it ends or the server stops.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Runs work to its end, also when its caller no longer waits; what it returns is then dropped.
    /// Work that ends without waiting for anything costs no task.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut work = Box::pin(work);
        if let Poll::Ready(outcome) = futures::poll!(&mut work) {
            return outcome;
        }
        let running = self.tracker.spawn(work);
        running.await.map_err(|cause| Error::internal(format!("work ended early: {cause}")))?
    }

    /// Something was remembered: its vectors should follow soon.
    pub fn embed_soon(&self) {
        self.embed.notify_one();
    }

    /// A turn was remembered that may be due to be learned from.
    pub(crate) fn learn_soon(&self) {
        self.learn.notify_one();
    }

    pub(crate) fn to_learn(&self) -> Arc<Notify> {
        Arc::clone(&self.learn)
    }

    /// A document waits to be read.
    pub(crate) fn read_documents_soon(&self) {
        self.read_documents.notify_one();
    }

    pub(crate) fn documents_to_read(&self) -> Arc<Notify> {
        Arc::clone(&self.read_documents)
    }

    /// A document was deleted.
    pub fn erase_documents_soon(&self) {
        self.erase_documents.notify_one();
    }

    pub(crate) fn documents_to_erase(&self) -> Arc<Notify> {
        Arc::clone(&self.erase_documents)
    }

    /// Settles a call whose client went away. Not stopped by a shutdown: the row must be written.
    pub(crate) fn settle_cancelled(&self, open: Open, said: ChatReply) {
        if tokio::runtime::Handle::try_current().is_err() {
            // The runtime is gone with the process; the next start finds the row still pending.
            return;
        }
        self.tracker.spawn(async move {
            if let Err(error) = open.close(SettlementStatus::Cancelled, None, said).await {
                tracing::error!(%error, cause = error.context(), "a cancelled call was not settled");
            }
        });
    }

    /// Settles a call that the store could not take, again and again until it can. Once the server is
    /// asked to stop it is tried a last time: then other nodes settle what this one leaves open.
    pub(crate) fn settle_later(&self, store: Workspace, settled: SettledGeneration) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            let mut wait = SETTLE_AGAIN_FIRST;
            loop {
                let is_last = tokio::select! {
                    () = stop.cancelled() => true,
                    () = tokio::time::sleep(wait) => false,
                };
                let outcome = store.settle_generation(settled.clone()).await;
                let Err(error) = outcome else { return };
                if is_last || error.code() != ErrorCode::StoreUnavailable {
                    tracing::error!(%error, generation = %settled.id, "a call was not settled");
                    return;
                }
                wait = (wait * 2).min(SETTLE_AGAIN_LATEST);
            }
        });
    }

    /// Asks background work to stop and waits for what must still be written.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Starts the work that a serving installation needs.
pub fn start(engine: &Engine) {
    engine.jobs().spawn(expire_forever(engine.clone()));
    engine.jobs().spawn(retain_forever(engine.clone()));
    engine.jobs().spawn(end_calls_of_revoked_keys(engine.clone()));
    if engine.store().is_shared() {
        engine.jobs().spawn(recover_forever(engine.clone()));
        engine.jobs().spawn(give_back_rates_forever(engine.clone()));
        engine.jobs().spawn(tend_slices_forever(engine.clone()));
        engine.jobs().spawn(enter_late_calls_forever(engine.clone()));
        engine.jobs().spawn(stop_cancelled_runs_forever(engine.clone()));
    }
    engine.jobs().spawn(embed_forever(engine.clone()));
    engine.jobs().spawn(documents::read_forever(engine.clone()));
    engine.jobs().spawn(documents::erase_forever(engine.clone()));
    if engine.store().is_shared() {
        engine.jobs().spawn(index_forever(engine.clone()));
    }
    engine.jobs().spawn(refresh_models_forever(engine.clone()));
    if let Some(options) = engine.options().learning.clone() {
        engine.jobs().spawn(learning::learn_forever(engine.clone(), options));
    }
}

async fn embed_forever(engine: Engine) {
    let wake = Arc::clone(&engine.jobs().embed);
    loop {
        match embed_some(&engine).await {
            Ok(0) => {
                let _woken_or_time = tokio::time::timeout(EMBED_POLL, wake.notified()).await;
            }
            Ok(count) => tracing::debug!(count, "embedded"),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "embedding failed; trying again later");
                find_documents_by_words(&engine).await;
                tokio::time::sleep(EMBED_POLL).await;
            }
        }
    }
}

/// What was said goes before documents, which get a share however much is said: they are not indexed
/// before.
async fn embed_some(engine: &Engine) -> Result<usize> {
    let said = engine.memory().embed_pending(EMBED_BATCH).await?;
    let chunks_max = if said > 0 { DOCUMENTS_SHARE } else { EMBED_BATCH };
    let chunks = engine.memory().embed_documents(chunks_max, engine.clock().now()).await?;
    Ok(said + chunks)
}

/// Nobody is to wait for vectors that cannot be made now.
async fn find_documents_by_words(engine: &Engine) {
    if let Err(error) = engine.store().index_without_vectors(engine.clock().now()).await {
        tracing::warn!(%error, cause = error.context(), "documents still wait for vectors");
    }
}

async fn index_forever(engine: Engine) {
    loop {
        match engine.memory().index_pending().await {
            Ok(0) => tokio::time::sleep(INDEX_POLL).await,
            Ok(blocks) => tracing::debug!(blocks, "turns of a large memory were indexed"),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "a large memory was not indexed");
                tokio::time::sleep(INDEX_POLL).await;
            }
        }
    }
}

async fn end_calls_of_revoked_keys(engine: Engine) {
    engine.admission().end_calls_of_revoked_keys().await;
}

async fn give_back_rates_forever(engine: Engine) {
    loop {
        tokio::time::sleep(RATES_POLL).await;
        if let Err(error) = engine.admission().give_back_rates().await {
            tracing::warn!(%error, cause = error.context(), "rate limits were not told what is left");
        }
    }
}

async fn tend_slices_forever(engine: Engine) {
    let Some(slices) = engine.slices() else { return };
    loop {
        tokio::time::sleep(SLICES_POLL).await;
        if let Err(error) = slices.tend().await {
            tracing::warn!(%error, cause = error.context(), "budgets were not told what is spent of slices");
        }
    }
}

/// Enters calls that were answered while the store was away, once it is back.
async fn enter_late_calls_forever(engine: Engine) {
    let Some(spool) = engine.spool() else { return };
    loop {
        match spool.enter(engine.store(), engine.clock().now()).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "calls were entered in the ledger late"),
            Err(error) => {
                tracing::debug!(%error, cause = error.context(), "late calls are not entered yet");
            }
        }
        tokio::time::sleep(SPOOL_POLL).await;
    }
}

/// Asks nothing of the store while no run goes on here.
async fn stop_cancelled_runs_forever(engine: Engine) {
    loop {
        tokio::time::sleep(CANCELLED_POLL).await;
        if let Err(error) = engine.active_runs().stop_cancelled(engine.store()).await {
            tracing::warn!(%error, cause = error.context(), "runs that were cancelled elsewhere go on");
        }
    }
}

async fn expire_forever(engine: Engine) {
    loop {
        let now = engine.clock().now();
        if let Err(error) = engine.store().expire_idempotent(now, EXPIRE_BATCH).await {
            tracing::warn!(%error, cause = error.context(), "old answers are still there");
        }
        if let Err(error) = engine.store().expire_cached_answers(now, EXPIRE_BATCH).await {
            tracing::warn!(%error, cause = error.context(), "old cached answers are still there");
        }
        match engine.store().expire(now, EXPIRE_BATCH).await {
            Ok(0) => tokio::time::sleep(EXPIRE_POLL).await,
            Ok(count) => tracing::info!(count, "expired memories were deleted"),
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "expired memories are still there");
                tokio::time::sleep(EXPIRE_POLL).await;
            }
        }
    }
}

async fn retain_forever(engine: Engine) {
    loop {
        if let Err(error) = retain(&engine).await {
            tracing::warn!(%error, cause = error.context(), "what is past its retention is still there");
        }
        tokio::time::sleep(RETAIN_POLL).await;
    }
}

/// Drops months, then deletes what is in none, which empties further months.
async fn retain(engine: &Engine) -> Result<()> {
    let (store, retention) = (engine.store(), engine.options().retention);
    let now = engine.clock().now();
    let mut count = 0;
    loop {
        let dropped = store.keep_months(retention, now).await?;
        if !dropped.is_empty() {
            tracing::info!(?dropped, "months past their retention were dropped");
        }
        let before = count;
        loop {
            match store.retain(retention, now, EXPIRE_BATCH).await? {
                0 => break,
                deleted => count += deleted,
            }
        }
        if count == before {
            break;
        }
    }
    if count > 0 {
        tracing::info!(count, "calls and turns past their retention were deleted");
    }
    Ok(())
}

/// Ends what processes that share the store left open when they went.
async fn recover_forever(engine: Engine) {
    loop {
        tokio::time::sleep(RECOVER_POLL).await;
        if let Err(error) = recover(engine.store(), engine.clock().now()).await {
            tracing::warn!(%error, cause = error.context(), "what others left open still is");
        }
    }
}

/// Settles calls, gives jobs back and lets requests be tried again that a process which is gone left
/// open; see [`Store::settle_interrupted`] for when.
pub async fn recover(store: &Store, now: Timestamp) -> Result<()> {
    let interrupted = store.settle_interrupted(now).await?;
    if interrupted > 0 {
        tracing::warn!(interrupted, "calls that a stop or crash cut off were settled");
    }
    store.release_leases(now).await?;
    store.release_idempotent().await?;
    Ok(())
}

async fn refresh_models_forever(engine: Engine) {
    loop {
        match engine.refresh_models().await {
            Ok(report) => {
                tracing::debug!(prices_changed = report.prices_changed, "models refreshed")
            }
            Err(error) => {
                tracing::warn!(%error, cause = error.context(), "the model lists were not kept");
            }
        }
        tokio::time::sleep(MODELS_REFRESH).await;
    }
}
