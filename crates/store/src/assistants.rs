//! Assistants: settings that a client keeps under a name of its own, and the scope of their memory.

use backstay_core::{
    AssistantId, AssistantSettings, Error, Name, Result, Timestamp, WorkspaceId, memory::Scope,
};

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
    messages::to_json,
};

/// Assistants of one page.
const LIMIT_MAX: usize = 200;

/// An assistant as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Assistant {
    pub id: AssistantId,
    /// The assistant of its threads, episodes and statements.
    pub scope: Name,
    /// For people; several may have the same.
    pub name: String,
    pub settings: AssistantSettings,
    pub created_at: Timestamp,
}

impl Assistant {
    /// Where it remembers: what it knows of everybody, no user's own.
    pub fn memory_scope(&self) -> Scope {
        Scope { assistant: self.scope.clone(), user: None }
    }
}

macro_rules! columns {
    () => {
        "id, scope, name, settings, created_at"
    };
}

statements! {
    ADD = "INSERT INTO assistants (workspace, id, scope, name, settings, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    ONE = concat!("SELECT ", columns!(), " FROM assistants WHERE workspace = $1 AND id = $2");
    OF_SCOPE = concat!("SELECT ", columns!(), " FROM assistants WHERE workspace = $1 AND scope = $2");
    LIST = concat!("SELECT ", columns!(), " FROM assistants WHERE workspace = $1
        ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3");
    NAMED = concat!("SELECT ", columns!(), " FROM assistants WHERE workspace = $1 AND name = $2
        ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4");
    UPDATE = "UPDATE assistants SET name = $1, settings = $2 WHERE workspace = $3 AND id = $4";
    DELETE = "DELETE FROM assistants WHERE workspace = $1 AND id = $2";
}

impl Workspace {
    /// Whether it was added: not when there is one of this id or scope.
    pub async fn add_assistant(&self, new: Assistant) -> Result<bool> {
        self.write_beside(move |session, workspace| {
            let Assistant { id, scope, name, settings, created_at } = &new;
            let settings = to_json(settings)?;
            let values = values![workspace, id, scope, name, &settings, *created_at];
            Ok(session.execute(ADD, values)? > 0)
        })
        .await
    }

    pub async fn assistant(&self, id: &AssistantId) -> Result<Option<Assistant>> {
        let id = id.clone();
        self.read(move |session, workspace| one(session, workspace, &id)).await
    }

    /// The assistant that has a scope of memory.
    pub async fn assistant_of_scope(&self, scope: &Name) -> Result<Option<Assistant>> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            session.one(OF_SCOPE, values![workspace, &scope], assistant)
        })
        .await
    }

    /// Newest first, at most 200; those of a name only, if one is given.
    pub async fn list_assistants(
        &self,
        name: Option<&str>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Assistant>> {
        let (name, limit) = (name.map(str::to_owned), limit.clamp(1, LIMIT_MAX));
        self.read(move |session, workspace| match &name {
            Some(name) => session.all(NAMED, values![workspace, name, limit, skip], assistant),
            None => session.all(LIST, values![workspace, limit, skip], assistant),
        })
        .await
    }

    /// The assistant after a change to its name or settings; `None` when there is none.
    pub async fn update_assistant(
        &self,
        id: &AssistantId,
        change: impl FnOnce(&mut Assistant) + Send + 'static,
    ) -> Result<Option<Assistant>> {
        let id = id.clone();
        self.write(move |session, workspace| {
            let Some(mut changed) = one(session, workspace, &id)? else { return Ok(None) };
            change(&mut changed);
            let settings = to_json(&changed.settings)?;
            session.execute(UPDATE, values![&changed.name, &settings, workspace, &id])?;
            Ok(Some(changed))
        })
        .await
    }

    /// Deletes the assistant itself; its threads and memory are deleted before. Whether there was one.
    pub async fn delete_assistant(&self, id: &AssistantId) -> Result<bool> {
        let id = id.clone();
        self.erase(move |session, workspace| {
            Ok(session.execute(DELETE, values![workspace, &id])? > 0)
        })
        .await
    }
}

fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &AssistantId,
) -> Result<Option<Assistant>, Failure> {
    session.one(ONE, values![workspace, id], assistant)
}

fn assistant(row: &Row<'_>) -> Result<Assistant, Failure> {
    let settings = row.json(3)?;
    Ok(Assistant {
        id: row.get(0)?,
        scope: row.get(1)?,
        name: row.get(2)?,
        settings: settings.ok_or_else(|| Error::internal("an assistant without settings"))?,
        created_at: row.get(4)?,
    })
}
