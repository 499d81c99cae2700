//! Making keys, changing them and taking them back.

use backstay_core::{KeyId, KeyScopes, Result, RoutingPolicy, Timestamp, WorkspaceId};

use super::{KeyChange, KeyRecord, KeySettings, KeyToken, NewKey, read};
use crate::{
    Workspace, budgets,
    db::{Failure, Session, statements, values},
    messages::to_json,
};

statements! {
    CREATE = "INSERT INTO api_keys (workspace, id, hash, prefix, suffix, created_at, name)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    SET = "UPDATE api_keys SET name = $1, expires_at = $2, scopes = $3, policy = $4,
            rate_limits = $5, allow_unpriced = $6, strict_budget = $7
        WHERE workspace = $8 AND id = $9";
    DISABLE = "UPDATE api_keys SET disabled_at = $1
        WHERE workspace = $2 AND id = $3 AND disabled_at IS NULL";
    ENABLE = "UPDATE api_keys SET disabled_at = NULL WHERE workspace = $1 AND id = $2";
    TOUCH = "UPDATE api_keys SET updated_at = $1 WHERE workspace = $2 AND id = $3";
    ROTATE = "UPDATE api_keys SET previous_hash = hash, previous_until = $1, hash = $2,
            prefix = $3, suffix = $4, updated_at = $5
        WHERE workspace = $6 AND id = $7";
    DELETE = "DELETE FROM api_keys WHERE workspace = $1 AND id = $2";
}

impl Workspace {
    /// Fails with `conflict` when the id or the hash is taken.
    pub async fn create_key(&self, new: NewKey) -> Result<()> {
        self.write(move |session, workspace| {
            let NewKey { id, token, created_at, settings, budgets } = &new;
            let KeyToken { hash, prefix, suffix } = token;
            let hash = hash.as_slice();
            let values = values![workspace, id, hash, prefix, suffix, *created_at, &settings.name];
            session.execute(CREATE, values)?;
            set(session, workspace, id, settings)?;
            budgets::set(session, workspace, id.as_str(), budgets, *created_at)
        })
        .await
    }

    /// The key as it is now; `None` when there is none.
    pub async fn update_key(
        &self,
        id: &KeyId,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<Option<KeyRecord>> {
        let id = id.clone();
        self.write(move |session, workspace| {
            if session.execute(TOUCH, values![now, workspace, &id])? == 0 {
                return Ok(None);
            }
            if let Some(settings) = &change.settings {
                set(session, workspace, &id, settings)?;
            }
            match change.disabled {
                Some(true) => session.execute(DISABLE, values![now, workspace, &id])?,
                Some(false) => session.execute(ENABLE, values![workspace, &id])?,
                None => 0,
            };
            if let Some(limits) = &change.budgets {
                budgets::set(session, workspace, id.as_str(), limits, now)?;
            }
            read::one(session, workspace, &id)
        })
        .await
    }

    /// Gives the key another text; the one that it has is accepted for a while yet, an earlier one no
    /// more. The key as it is now; `None` when there is none.
    pub async fn rotate_key(
        &self,
        id: &KeyId,
        token: KeyToken,
        previous_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<KeyRecord>> {
        let id = id.clone();
        self.write(move |session, workspace| {
            let KeyToken { hash, prefix, suffix } = &token;
            let hash = hash.as_slice();
            let values = values![previous_until, hash, prefix, suffix, now, workspace, &id];
            session.execute(ROTATE, values)?;
            read::one(session, workspace, &id)
        })
        .await
    }

    /// Whether there was such a key. Its calls stay in the ledger.
    pub async fn delete_key(&self, id: &KeyId) -> Result<bool> {
        let id = id.clone();
        self.write(move |session, workspace| {
            budgets::remove_all(session, workspace, id.as_str())?;
            Ok(session.execute(DELETE, values![workspace, &id])? > 0)
        })
        .await
    }
}

fn set(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &KeyId,
    settings: &KeySettings,
) -> Result<(), Failure> {
    let KeySettings { name, expires_at, scopes, policy, rate_limits, .. } = settings;
    // What limits nothing is null, as in keys that were made before there were limits.
    let scopes = (*scopes != KeyScopes::EVERYTHING).then(|| to_json(scopes)).transpose()?;
    let policy = (*policy != RoutingPolicy::default()).then(|| to_json(policy)).transpose()?;
    let rates = (!rate_limits.is_empty()).then(|| to_json(rate_limits)).transpose()?;
    let values = values![
        name,
        *expires_at,
        scopes.as_ref(),
        policy.as_ref(),
        rates.as_ref(),
        settings.allow_unpriced,
        settings.strict_budget,
        workspace,
        id,
    ];
    session.execute(SET, values)?;
    Ok(())
}
