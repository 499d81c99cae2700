//! Finding keys.

use backstay_core::{Error, KeyId, Result, WorkspaceId};

use super::{KeyRecord, KeySettings, KeyToken, in_hex};
use crate::{
    Page, PageRequest, Store, Workspace,
    db::{Failure, Reach, Row, Session, statements, values},
    messages::to_json,
};

macro_rules! select {
    ($condition:literal) => {
        select!("", "api_keys WHERE ", $condition)
    };
    ($more:literal, $from:literal, $condition:literal) => {
        concat!(
            "SELECT workspace, id, hash, prefix, suffix, name, created_at, updated_at, expires_at,
                disabled_at, previous_until, scopes, policy, rate_limits, allow_unpriced,
                strict_budget,
                EXISTS (SELECT 1 FROM budgets AS b WHERE b.workspace = api_keys.workspace
                    AND b.api_key IN (api_keys.id, '')),
                (SELECT w.when_store_is_away FROM workspaces AS w
                    WHERE w.id = api_keys.workspace)",
            $more,
            " FROM ",
            $from,
            $condition
        )
    };
}

statements! {
    FIND = select!("hash = $1 OR previous_hash = $1");
    /// Of a list of hashes in hexadecimal.
    FIND_ALL = select!(
            ", presented",
            "(SELECT unhex(value) AS presented FROM json_each($1)) AS asked
            JOIN api_keys ON ",
            "hash = presented OR previous_hash = presented"
        ),
        postgres: select!(
            ", presented",
            "(SELECT decode(value, 'hex') AS presented
                FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON)) AS value) AS asked
            JOIN api_keys ON ",
            "hash = presented OR previous_hash = presented"
        );
    ANY = "SELECT 1 FROM api_keys LIMIT 1";
    ONE = select!("workspace = $1 AND id = $2");
    BY_HASH = select!("workspace = $1 AND hash = $2");
    LIST = select!("workspace = $1 AND id > $2 ORDER BY id LIMIT $3");
}

impl Store {
    /// The key with this hash, now or before it was rotated, in whichever workspace; also one that is
    /// expired or disabled.
    pub async fn find_key(&self, hash: &[u8; 32]) -> Result<Option<KeyRecord>> {
        let hash = *hash;
        let finding = move |session: &Session<'_>| session.one(FIND, values![hash.as_slice()], key);
        // The calls of a busy server must not wait for one another here.
        self.db().read_tables(Reach::Installation, finding).await
    }

    /// Those of the hashes that have a key, each with its own, as [`Store::find_key`] finds it.
    pub async fn find_keys(&self, hashes: &[[u8; 32]]) -> Result<Vec<([u8; 32], KeyRecord)>> {
        let hashes = hashes.iter().map(in_hex).collect::<Vec<_>>();
        self.read(move |session| {
            let hashes = to_json(&hashes)?;
            session.all(FIND_ALL, values![&hashes], |row| Ok((hash(row, 18)?, key(row)?)))
        })
        .await
    }

    pub async fn any_key_exists(&self) -> Result<bool> {
        let found = self.read(|session| session.one(ANY, &[], |_| Ok(()))).await?;
        Ok(found.is_some())
    }
}

impl Workspace {
    pub async fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>> {
        let id = id.clone();
        self.read(move |session, workspace| one(session, workspace, &id)).await
    }

    pub async fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<KeyRecord>> {
        let hash = *hash;
        self.read(move |session, workspace| {
            session.one(BY_HASH, values![workspace, hash.as_slice()], key)
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
}

pub(super) fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &KeyId,
) -> Result<Option<KeyRecord>, Failure> {
    session.one(ONE, values![workspace, id], key)
}

fn hash(row: &Row<'_>, column: usize) -> Result<[u8; 32], Failure> {
    let found = row.bytes(column)?.try_into();
    Ok(found.map_err(|_| Error::internal("a stored key's hash has not the length of one"))?)
}

fn key(row: &Row<'_>) -> Result<KeyRecord, Failure> {
    Ok(KeyRecord {
        workspace: row.get(0)?,
        id: row.get(1)?,
        token: KeyToken { hash: hash(row, 2)?, prefix: row.get(3)?, suffix: row.get(4)? },
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
        disabled_at: row.get(9)?,
        previous_until: row.get(10)?,
        settings: KeySettings {
            name: row.get(5)?,
            expires_at: row.get(8)?,
            scopes: row.json(11)?.unwrap_or_default(),
            policy: row.json(12)?.unwrap_or_default(),
            rate_limits: row.json(13)?.unwrap_or_default(),
            allow_unpriced: row.get(14)?,
            strict_budget: row.get(15)?,
        },
        has_budget: row.get(16)?,
        when_store_is_away: row.get::<Option<_>>(17)?.unwrap_or_default(),
    })
}
