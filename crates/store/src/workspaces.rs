//! Tenants.

use backstay_core::{Result, Timestamp, WorkspaceId};

use crate::{
    Store,
    db::{statements, values},
};

statements! {
    ENSURE = "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO NOTHING";
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
