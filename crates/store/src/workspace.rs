//! The handle through which a tenant's data is reached.

use backstay_core::{Result, WorkspaceId, memory::Scope};

use crate::{
    ScopeVersion,
    db::{Db, Failure, Reach, RedoLog, Session},
    scopes,
};

/// One workspace of the store. Cheap to make and to clone. Its methods are in the files of their
/// areas: keys, threads, messages, turns, generations, episodes, forgetting, import and vectors.
#[derive(Clone)]
pub struct Workspace {
    db: Db,
    id: WorkspaceId,
    /// What a replica has to show to be read for recall; `None` reads the primary alone.
    shown: Option<(Scope, ScopeVersion)>,
}

impl Workspace {
    pub(crate) fn new(db: Db, id: WorkspaceId) -> Self {
        Self { db, id, shown: None }
    }

    pub fn id(&self) -> &WorkspaceId {
        &self.id
    }

    /// See [`crate::Store::is_shared`].
    pub fn is_shared(&self) -> bool {
        self.db.is_shared()
    }

    /// A handle whose reads for recall, of the turns, statements and vectors of a scope, a replica may
    /// answer that shows the scope at this version or later. Everything else is as with any handle:
    /// read from the primary, and written there.
    #[must_use]
    pub fn recalling(&self, scope: &Scope, at_least: ScopeVersion) -> Self {
        Self { shown: Some((scope.clone(), at_least)), ..self.clone() }
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

    /// A read for recall: see [`Workspace::recalling`].
    pub(crate) async fn read_for_recall<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session<'_>, &WorkspaceId) -> Result<T, Failure> + Clone + Send + 'static,
    ) -> Result<T> {
        if let Some((scope, at_least)) = self.shown.clone() {
            let (of_scope, id, copy) = (self.id.clone(), self.id.clone(), work.clone());
            let is_fit = move |session: &Session<'_>| {
                Ok(scopes::version(session, &of_scope, &scope)?.includes(&at_least))
            };
            let reading = move |session: &Session<'_>| copy(session, &id);
            let reach = Reach::Workspace(&self.id);
            if let Some(found) = self.db.read_replica(reach, is_fit, reading).await {
                return Ok(found);
            }
        }
        self.read(work).await
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
