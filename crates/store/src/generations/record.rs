//! A call without a budget in the redo log of a data folder: what it is and how it ended are durable
//! there before they are in the tables.

use std::sync::Arc;

use backstay_core::{Error, ErrorCode, GenerationId, Result, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::{NewGeneration, SettledGeneration, begin, settle};
use crate::{
    Workspace,
    db::{Added, Failure, Redo, RedoLog, Session, Step},
};

/// What the redo log says. A folder may hold records of an earlier version: fields that are added need
/// a default.
#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(super) enum Record {
    Begun { workspace: WorkspaceId, call: NewGeneration },
    Settled { workspace: WorkspaceId, settled: SettledGeneration },
}

impl Record {
    /// Carrying it out again changes nothing.
    fn carry_out(&self, session: &Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Begun { workspace, call } => begin::insert(session, workspace, call).map(drop),
            Self::Settled { workspace, settled } => {
                settle::settle(session, workspace, settled).map(drop)
            }
        }
    }

    fn step(&self) -> (Step, String) {
        match self {
            Self::Begun { workspace, call } => (Step::Begins, name(workspace, &call.id)),
            Self::Settled { workspace, settled } => (Step::Ends, name(workspace, &settled.id)),
        }
    }

    /// Whether it is durable now; false when it has to be written to the tables.
    pub(super) fn add(self: &Arc<Self>, log: &RedoLog) -> Result<bool> {
        let text = serde_json::to_vec(self.as_ref())
            .map_err(|cause| Error::internal(format!("a call cannot be recorded: {cause}")))?;
        let (step, name) = self.step();
        let record = Arc::clone(self);
        let redo: Redo = Box::new(move |session| record.carry_out(session));
        match log.add(step, &name, &text, redo)? {
            Added::Done => Ok(true),
            Added::Refused => Ok(false),
            Added::Taken => Err(taken()),
        }
    }
}

/// What a record that a crash left is to do.
pub(crate) fn redo(record: &[u8]) -> Result<Redo, Failure> {
    let record: Record = serde_json::from_slice(record).map_err(|cause| {
        let message = "the data folder's redo log (backstay.redo-…) holds a call that this version \
                       cannot read; start the version that wrote it once and stop it with SIGTERM, \
                       then start this one";
        Error::new(ErrorCode::StoreUnavailable, message).with_context(cause.to_string())
    })?;
    Ok(Box::new(move |session| record.carry_out(session)))
}

pub(super) fn taken() -> Error {
    Error::new(ErrorCode::Conflict, "this exists already; choose another id")
}

impl Workspace {
    /// Notes that a call was settled in the tables, which may have begun in the redo log.
    pub(crate) fn settled_in_tables(&self, id: &GenerationId) {
        if let Some(log) = self.redo() {
            log.forget(&name(self.id(), id));
        }
    }
}

fn name(workspace: &WorkspaceId, id: &GenerationId) -> String {
    format!("{workspace} {id}")
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::mpsc};

    use backstay_core::{KeyId, RequestId, Timestamp, chat::SettlementStatus};
    use futures::{FutureExt as _, future::join_all};

    use super::*;
    use crate::{Store, StoreOptions, budgets::Reserved, db::Reach};

    type Told = tokio::sync::oneshot::Receiver<()>;

    fn id(number: usize) -> GenerationId {
        GenerationId::parse(&format!("gen_{number}")).unwrap()
    }

    fn intent(number: usize) -> NewGeneration {
        NewGeneration {
            id: id(number),
            request: RequestId::parse("req_1").unwrap(),
            key: KeyId::parse("key_1").unwrap(),
            requested_model: "author/slug".to_owned(),
            stream: false,
            started_at: Timestamp::from_millis(1),
            thread: None,
            assistant: None,
            user: None,
            memory_tokens: 0,
            reservation: None,
        }
    }

    fn settled(number: usize) -> SettledGeneration {
        SettledGeneration {
            id: id(number),
            status: SettlementStatus::Failed,
            provider: None,
            model: None,
            finished_at: Timestamp::from_millis(2),
            latency_ms: 1,
            first_token_ms: None,
            usage: None,
            price: None,
            finish: None,
            error_code: Some(ErrorCode::NoProvider),
            dropped: Vec::new(),
            attempts: Vec::new(),
            reserved: Reserved::Nothing,
            cached: None,
        }
    }

    async fn open(folder: &Path) -> Result<(Store, Workspace)> {
        let store = Store::open(StoreOptions::folder(folder)).await?;
        let id = WorkspaceId::default_workspace();
        store.ensure_workspace(&id, "default", Timestamp::default()).await?;
        let workspace = store.workspace(&id);
        Ok((store, workspace))
    }

    /// Keeps everything from the tables until it is dropped.
    async fn hold(store: &Store) -> mpsc::Sender<()> {
        let (release, has_begun, _) = holder(store);
        has_begun.await.unwrap();
        release
    }

    /// How to release it, when its work has begun, and when it has begun or been queued.
    fn holder(store: &Store) -> (mpsc::Sender<()>, Told, Told) {
        let (release, held) = mpsc::channel::<()>();
        let [(begun, has_begun), (queued, is_queued)] =
            [(); 2].map(|()| tokio::sync::oneshot::channel());
        let db = store.db().clone();
        tokio::task::spawn_blocking(move || {
            let work = move |_: &Session<'_>| {
                let _nobody_waits = begun.send(());
                let _dropped = held.recv();
                Ok(())
            };
            let _done = db.write(Reach::Installation, work).now_or_never();
            let _nobody_waits = queued.send(());
        });
        (release, has_begun, is_queued)
    }

    /// What a kill leaves behind: the files as they are.
    fn copy(from: &Path, to: &Path) {
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }

    async fn state(workspace: &Workspace, number: usize) -> Option<SettlementStatus> {
        workspace.generation(&id(number)).await.unwrap().map(|row| row.status)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn calls_that_a_crash_left_in_the_redo_log_are_in_the_ledger_once() {
        let [folder, crashed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (store, workspace) = open(folder.path()).await.unwrap();
        let held = hold(&store).await;
        for number in [1, 2] {
            workspace.begin_generation(intent(number)).await.unwrap();
        }
        assert!(workspace.settle_generation(settled(1)).await.unwrap());
        let taken = workspace.begin_generation(intent(2)).await.unwrap_err();
        assert_eq!(taken.code(), ErrorCode::Conflict);
        copy(folder.path(), crashed.path());
        let redo = || std::fs::read(crashed.path().join("backstay.redo-0")).unwrap();
        let left = redo();
        assert!(!left.is_empty());
        drop(held);

        for _ in 0..2 {
            let (reopened, workspace) = open(crashed.path()).await.unwrap();
            assert_eq!(state(&workspace, 1).await, Some(SettlementStatus::Failed));
            assert_eq!(state(&workspace, 2).await, Some(SettlementStatus::Pending));
            assert!(redo().is_empty());
            assert!(!workspace.settle_generation(settled(1)).await.unwrap());
            reopened.close().await.unwrap();
            // As if it had been killed before the log was emptied.
            std::fs::write(crashed.path().join("backstay.redo-0"), &left).unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn when_the_redo_log_is_full_calls_wait_for_the_tables_and_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (store, workspace) = open(folder.path()).await.unwrap();
        let held = hold(&store).await;
        let count = 4_200;
        let mut begun: Vec<_> =
            (0..count).map(|number| Box::pin(workspace.begin_generation(intent(number)))).collect();
        let at_once = begun.iter_mut().filter_map(|call| call.now_or_never()).count();
        assert!((4_096..count).contains(&at_once), "{at_once} did not wait");
        drop(held);
        for call in begun.split_off(at_once) {
            call.await.unwrap();
        }
        let settling = (0..count).map(|number| workspace.settle_generation(settled(number)));
        assert!(join_all(settling).await.into_iter().all(|newly| newly.unwrap()));
        for number in [0, count - 1] {
            assert_eq!(state(&workspace, number).await, Some(SettlementStatus::Failed));
        }
    }

    /// A unit of work may join a transaction that began before its call did.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_call_that_began_during_a_transaction_can_be_settled_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (store, workspace) = open(folder.path()).await.unwrap();
        let held = hold(&store).await;
        let (group, has_begun, is_queued) = holder(&store);
        is_queued.await.unwrap();
        drop(held);
        has_begun.await.unwrap();
        workspace.begin_generation(intent(1)).await.unwrap();
        let settling =
            workspace.write_beside(|session, id| settle::settle(session, id, &settled(1)));
        let mut settling = Box::pin(settling);
        assert!((&mut settling).now_or_never().is_none(), "it waits in the queue");
        drop(group);
        assert!(settling.await.unwrap());
        assert_eq!(state(&workspace, 1).await, Some(SettlementStatus::Failed));
    }

    #[tokio::test]
    async fn a_record_of_another_version_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(folder.path()).await.unwrap();
        store.close().await.unwrap();
        let path = folder.path().join("backstay.redo-0");
        // A whole record that says {"record":"future"}.
        let record = br#"{"record":"future"}"#;
        let number = 0_u64.to_le_bytes();
        let sum = crc32fast::hash(&[&number[..], record].concat()).to_le_bytes();
        let length = u32::try_from(record.len()).unwrap().to_le_bytes();
        let bytes = [&length[..], &sum, &number, record].concat();
        std::fs::write(&path, &bytes).unwrap();
        let refused = open(folder.path()).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::StoreUnavailable);
        assert!(refused.message().contains("redo log"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}
