//! Tenants.

use backstay_core::{Result, Timestamp, WhenStoreIsAway, WorkspaceId};

use crate::{
    Store, Workspace,
    db::{statements, values},
};

statements! {
    ENSURE = "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO NOTHING";
    SET_WHEN_AWAY = "UPDATE workspaces SET when_store_is_away = $1 WHERE id = $2";
    WHEN_AWAY = "SELECT when_store_is_away FROM workspaces WHERE id = $1";
}

impl Store {
    /// Makes the workspace unless it is there already; an existing one keeps its name.
    pub async fn ensure_workspace(
        &self,
        id: &WorkspaceId,
        name: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (id, name) = (id.clone(), name.to_owned());
        self.write(move |session| {
            session.execute(ENSURE, values![&id, &name, now])?;
            Ok(())
        })
        .await
    }
}

impl Workspace {
    /// What is done with calls while the store is not to be reached.
    pub async fn when_store_is_away(&self) -> Result<WhenStoreIsAway> {
        self.read(|session, workspace| {
            let set = session.one(WHEN_AWAY, values![workspace], |row| row.get(0))?;
            Ok(set.flatten().unwrap_or_default())
        })
        .await
    }

    pub async fn set_when_store_is_away(&self, when: WhenStoreIsAway) -> Result<()> {
        self.write(move |session, workspace| {
            session.execute(SET_WHEN_AWAY, values![when, workspace])?;
            Ok(())
        })
        .await
    }
}
