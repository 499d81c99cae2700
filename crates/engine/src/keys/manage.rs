//! Making, changing and taking back the keys of a workspace, and its budgets.

use backstay_core::{
    Budget, CallContext, Error, ErrorCode, KeyId, KeyScopes, RateLimit, Result, RoutingPolicy,
    Secret, Timestamp, WhenStoreIsAway, WorkspaceId,
};
use backstay_store::{BudgetOf, BudgetRow, KeyChange, KeyRecord, KeySettings, NewKey, PageRequest};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{generate, token};
use crate::Engine;

const NAME_CHARACTERS_MAX: usize = 128;
/// Patterns of models and names of providers in one policy.
const POLICY_ENTRIES_MAX: usize = 1_000;

/// A key that is wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRequest {
    /// For people, to tell keys apart.
    pub name: String,
    /// The key stops working then; never when left out.
    pub expires_at: Option<Timestamp>,
    /// What the key may do; everything when left out.
    pub scopes: Option<KeyScopes>,
    /// Which models and providers it may use, and on which terms.
    pub policy: RoutingPolicy,
    /// At most one per period.
    pub budgets: Vec<Budget>,
    pub rate_limits: Vec<RateLimit>,
    /// Whether models of unknown price may be called although there is a budget.
    pub allow_unpriced: bool,
    /// Whether each call goes to the row of its budget in the database. Servers that share one otherwise
    /// set a slice of a budget aside for a key that is used much; nothing is overspent either way.
    pub strict_budget: bool,
}

/// Changes of a key; what is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KeyPatch {
    pub name: Option<String>,
    pub disabled: Option<bool>,
    /// Null: never.
    #[serde(deserialize_with = "given")]
    pub expires_at: Option<Option<Timestamp>>,
    /// Null: everything.
    #[serde(deserialize_with = "given")]
    pub scopes: Option<Option<KeyScopes>>,
    pub policy: Option<RoutingPolicy>,
    /// In place of those that there are.
    pub budgets: Option<Vec<Budget>>,
    pub rate_limits: Option<Vec<RateLimit>>,
    pub allow_unpriced: Option<bool>,
    pub strict_budget: Option<bool>,
}

/// Tells null from a field that is not there.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl KeyRequest {
    /// Whether such a key can be made now.
    pub(super) fn check(&self, now: Timestamp) -> Result<()> {
        check(&self.clone().settings())?;
        check_expiry(self.expires_at, now)?;
        check_budgets(&self.budgets)
    }

    fn settings(self) -> KeySettings {
        KeySettings {
            name: self.name,
            expires_at: self.expires_at,
            scopes: self.scopes.unwrap_or_default(),
            policy: self.policy,
            rate_limits: self.rate_limits,
            allow_unpriced: self.allow_unpriced,
            strict_budget: self.strict_budget,
        }
    }
}

impl Engine {
    /// Makes a key of the caller's workspace; its text is given out here and never again.
    pub async fn create_key(
        &self,
        context: &CallContext,
        request: KeyRequest,
    ) -> Result<(KeyRecord, Secret)> {
        self.make_key(&context.workspace, request).await
    }

    pub(super) async fn make_key(
        &self,
        workspace: &WorkspaceId,
        request: KeyRequest,
    ) -> Result<(KeyRecord, Secret)> {
        let now = self.clock().now();
        request.check(now)?;
        let budgets = request.budgets.clone();
        let secret = generate(self.random())?;
        let id = KeyId::new(self.clock(), self.random())?;
        let new = NewKey {
            id: id.clone(),
            token: token(&secret),
            created_at: now,
            settings: request.settings(),
            budgets,
        };
        let store = self.store().workspace(workspace);
        store.create_key(new).await?;
        let record = store.key(&id).await?.ok_or_else(|| missing(id.as_str()))?;
        Ok((record, secret))
    }

    /// Oldest first.
    pub async fn list_keys(
        &self,
        context: &CallContext,
        page: PageRequest,
    ) -> Result<backstay_store::Page<KeyRecord>> {
        self.store().workspace(&context.workspace).list_keys(page).await
    }

    /// Fails with `not_found`.
    pub async fn key(&self, context: &CallContext, id: &str) -> Result<KeyRecord> {
        let parsed = KeyId::parse(id).ok_or_else(|| missing(id))?;
        let found = self.store().workspace(&context.workspace).key(&parsed).await?;
        found.ok_or_else(|| missing(id))
    }

    /// The key with this SHA-256, in hexadecimal. Fails with `not_found`.
    pub async fn key_by_hash(&self, context: &CallContext, hash: &str) -> Result<KeyRecord> {
        let bytes = from_hex(hash).ok_or_else(|| missing(hash))?;
        let found = self.store().workspace(&context.workspace).key_by_hash(&bytes).await?;
        found.ok_or_else(|| missing(hash))
    }

    /// Fails with `not_found`.
    pub async fn update_key(
        &self,
        context: &CallContext,
        id: &KeyId,
        patch: KeyPatch,
    ) -> Result<KeyRecord> {
        let now = self.clock().now();
        let store = self.store().workspace(&context.workspace);
        let before = store.key(id).await?.ok_or_else(|| missing(id.as_str()))?;
        if patch.disabled == Some(true) {
            check_not_own(context, id)?;
        }
        check_expiry(patch.expires_at.flatten(), now)?;
        check_budgets(patch.budgets.as_deref().unwrap_or_default())?;
        let was = before.settings;
        let settings = KeySettings {
            name: patch.name.unwrap_or(was.name),
            expires_at: patch.expires_at.unwrap_or(was.expires_at),
            scopes: patch.scopes.map_or(was.scopes, Option::unwrap_or_default),
            policy: patch.policy.unwrap_or(was.policy),
            rate_limits: patch.rate_limits.unwrap_or(was.rate_limits),
            allow_unpriced: patch.allow_unpriced.unwrap_or(was.allow_unpriced),
            strict_budget: patch.strict_budget.unwrap_or(was.strict_budget),
        };
        check(&settings)?;
        let change = KeyChange {
            settings: Some(settings),
            disabled: patch.disabled,
            budgets: patch.budgets,
        };
        let changed = store.update_key(id, change, now).await?;
        self.admission().forget_keys();
        changed.ok_or_else(|| missing(id.as_str()))
    }

    /// Gives the key another text, which is given out here and never again; the text that it has is
    /// accepted for `grace_seconds` more. Fails with `not_found`.
    pub async fn rotate_key(
        &self,
        context: &CallContext,
        id: &KeyId,
        grace_seconds: u32,
    ) -> Result<(KeyRecord, Secret)> {
        let now = self.clock().now();
        let secret = generate(self.random())?;
        let grace = i64::from(grace_seconds).saturating_mul(1_000_000);
        let until = Timestamp::from_micros(now.micros().saturating_add(grace));
        let store = self.store().workspace(&context.workspace);
        let rotated = store.rotate_key(id, token(&secret), until, now).await?;
        self.admission().forget_keys();
        Ok((rotated.ok_or_else(|| missing(id.as_str()))?, secret))
    }

    /// Its calls stay in the ledger. Fails with `not_found`, and with `conflict` for the key that the
    /// call is made with.
    pub async fn delete_key(&self, context: &CallContext, id: &KeyId) -> Result<()> {
        check_not_own(context, id)?;
        let deleted = self.store().workspace(&context.workspace).delete_key(id).await?;
        self.admission().forget_keys();
        if deleted { Ok(()) } else { Err(missing(id.as_str())) }
    }

    pub async fn budgets(&self, context: &CallContext, of: BudgetOf<'_>) -> Result<Vec<BudgetRow>> {
        self.store().workspace(&context.workspace).budgets(of, self.clock().now()).await
    }

    pub async fn when_store_is_away(&self, context: &CallContext) -> Result<WhenStoreIsAway> {
        self.store().workspace(&context.workspace).when_store_is_away().await
    }

    /// What is done with the workspace's calls while a database that servers share is away.
    pub async fn set_when_store_is_away(
        &self,
        context: &CallContext,
        when: WhenStoreIsAway,
    ) -> Result<()> {
        self.store().workspace(&context.workspace).set_when_store_is_away(when).await?;
        self.admission().forget_keys();
        Ok(())
    }

    /// Makes these the budgets of the whole workspace, in place of those that there were.
    pub async fn set_workspace_budgets(
        &self,
        context: &CallContext,
        budgets: &[Budget],
    ) -> Result<()> {
        check_budgets(budgets)?;
        let store = self.store().workspace(&context.workspace);
        store.set_budgets(BudgetOf::Workspace, budgets, self.clock().now()).await?;
        self.admission().forget_keys();
        Ok(())
    }
}

fn check(settings: &KeySettings) -> Result<()> {
    let name = &settings.name;
    let length = name.trim().chars().count();
    if length == 0 || length > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!(
            "a key needs a name of 1 to {NAME_CHARACTERS_MAX} characters, none of them a control \
             character"
        ))
        .with_parameter("name"));
    }
    let policy = &settings.policy;
    let entries = policy.allow_models.len()
        + policy.deny_models.len()
        + policy.allow_providers.len()
        + policy.deny_providers.len()
        + policy.regions.len();
    if entries > POLICY_ENTRIES_MAX {
        return Err(Error::invalid(format!(
            "a key's policy can have {POLICY_ENTRIES_MAX} entries, not {entries}; `*` stands for \
             any characters of a model's name"
        ))
        .with_parameter("policy"));
    }
    check_rate_limits(&settings.rate_limits)
}

fn check_expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Result<()> {
    match expires_at {
        Some(end) if end <= now => Err(Error::invalid(format!(
            "the key would have expired at {end}; give a time to come, or disable the key"
        ))
        .with_parameter("expires_at")),
        _ => Ok(()),
    }
}

fn check_budgets(budgets: &[Budget]) -> Result<()> {
    for (index, budget) in budgets.iter().enumerate() {
        if budgets[..index].iter().any(|other| other.period == budget.period) {
            let period = budget.period.as_str();
            return Err(Error::invalid(format!("there are two budgets for the period {period}"))
                .with_parameter("budgets"));
        }
    }
    Ok(())
}

fn check_rate_limits(limits: &[RateLimit]) -> Result<()> {
    let kind = |limit: &RateLimit| match *limit {
        RateLimit::Requests { per, .. } => ("requests", per),
        RateLimit::Tokens { per, .. } => ("tokens", per),
        RateLimit::Money { per, .. } => ("money", per),
    };
    for (index, limit) in limits.iter().enumerate() {
        let (of, per) = kind(limit);
        if limits[..index].iter().any(|other| kind(other) == (of, per)) {
            return Err(Error::invalid(format!(
                "there are two limits of {of} per {}",
                per.as_str()
            ))
            .with_parameter("rate_limits"));
        }
    }
    Ok(())
}

/// Nobody locks themselves out by accident.
fn check_not_own(context: &CallContext, id: &KeyId) -> Result<()> {
    if context.key == *id {
        let message = "this is the key that the call is made with; use another one to take it back";
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    Ok(())
}

fn missing(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no key {id}"))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
