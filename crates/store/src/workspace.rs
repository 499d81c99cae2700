//! The handle through which a tenant's data is reached.

use backstay_core::{Result, WorkspaceId};

use crate::db::{Db, Failure, Reach, RedoLog, Session};

/// One workspace of the store. Cheap to make and to clone. Its methods are in the files of their
/// areas: keys, threads, messages, turns, generations, episodes, forgetting, import and vectors.
#[derive(Clone)]
pub struct Workspace {
    db: Db,
    id: WorkspaceId,
}

impl Workspace {
    pub(crate) fn new(db: Db, id: WorkspaceId) -> Self {
        Self { db, id }
    }

    pub fn id(&self) -> &WorkspaceId {
        &self.id
    }

    /// See [`crate::Store::is_shared`].
    pub fn is_shared(&self) -> bool {
        self.db.is_shared()
    }

    pub(crate) fn redo(&self) -> Option<&RedoLog> {
        self.db.redo()
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>, &WorkspaceId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let id = self.id.clone();
        self.db.read(Reach::Workspace(&self.id), move |session| work(session, &id)).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>, &WorkspaceId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let id = self.id.clone();
        self.db.write(Reach::Workspace(&self.id), move |session| work(session, &id)).await
    }

    /// A write beside others of its kind: see [`Db::write_beside`].
    pub(crate) async fn write_beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>, &WorkspaceId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let id = self.id.clone();
        self.db.write_beside(Reach::Workspace(&self.id), move |session| work(session, &id)).await
    }

    /// A write whose deleted bytes are in no file afterwards.
    pub(crate) async fn erase<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>, &WorkspaceId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let id = self.id.clone();
        self.db.erase(Reach::Workspace(&self.id), move |session| work(session, &id)).await
    }
}
