//! API keys: found by their hash across the installation, managed within their workspace.

use backstay_core::{KeyId, Result, Timestamp, WorkspaceId};

use crate::{
    Page, PageRequest, Store, Workspace,
    db::{Failure, Row, statements, values},
};

/// A key to be stored: everything but the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    pub id: KeyId,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// The beginning of the key, to tell it from others.
    pub prefix: String,
    pub name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub workspace: WorkspaceId,
    pub id: KeyId,
    pub prefix: String,
    pub name: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
}

statements! {
    FIND = "SELECT workspace, id, prefix, name, created_at, expires_at, disabled_at
        FROM api_keys WHERE hash = $1";
    ANY = "SELECT 1 FROM api_keys LIMIT 1";
    CREATE = "INSERT INTO api_keys (workspace, id, hash, prefix, name, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LIST = "SELECT workspace, id, prefix, name, created_at, expires_at, disabled_at
        FROM api_keys WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3";
    DISABLE = "UPDATE api_keys SET disabled_at = $1
        WHERE workspace = $2 AND id = $3 AND disabled_at IS NULL";
}

impl Store {
    /// The key with this hash, in whichever workspace; also one that is expired or disabled.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<KeyRecord>> {
        let hash = *hash;
        self.db().read(move |session| session.one(FIND, values![hash.as_slice()], key)).await
    }

    pub async fn any_key_exists(&self) -> Result<bool> {
        let found = self.db().read(|session| session.one(ANY, &[], |_| Ok(()))).await?;
        Ok(found.is_some())
    }
}

impl Workspace {
    /// Fails with `conflict` when the id or the hash is taken.
    pub async fn create_key(&self, key: &NewKey) -> Result<()> {
        let key = key.clone();
        self.write(move |session, workspace| {
            let NewKey { id, hash, prefix, name, created_at, expires_at } = &key;
            let values =
                values![workspace, id, hash.as_slice(), prefix, name, *created_at, *expires_at];
            session.execute(CREATE, values)?;
            Ok(())
        })
        .await
    }

    /// Oldest first.
    pub async fn list_keys(&self, page: PageRequest) -> Result<Page<KeyRecord>> {
        self.read(move |session, workspace| {
            let (_, after) = page.after((0, ""))?;
            let keys = session.all(LIST, values![workspace, &after, page.rows()], key)?;
            Ok(Page::of(keys, &page, |last| (0, last.id.as_str())))
        })
        .await
    }

    /// Whether the key was enabled until now.
    pub async fn disable_key(&self, id: &KeyId, now: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.write(move |session, workspace| {
            Ok(session.execute(DISABLE, values![now, workspace, &id])? > 0)
        })
        .await
    }
}

fn key(row: &Row<'_>) -> Result<KeyRecord, Failure> {
    Ok(KeyRecord {
        workspace: row.get(0)?,
        id: row.get(1)?,
        prefix: row.get(2)?,
        name: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        disabled_at: row.get(6)?,
    })
}
