//! API keys: made once, shown once, kept as a hash.

mod device_login;
mod manage;

use backstay_core::{Clock, Error, KeyId, Random, Result, Secret, WorkspaceId};
use backstay_store::{KeySettings, KeyToken, NewKey, Store};
use sha2::{Digest as _, Sha256};

pub(crate) use device_login::LoginRate;
pub use device_login::{DeviceLogin, DeviceLoginOutcome};
pub use manage::{KeyPatch, KeyRequest};

const PREFIX: &str = "bs-";
/// 256 random bits as hexadecimal digits.
const RANDOM_BYTES: usize = 32;
/// A key that an operator chooses must not be guessable.
const CHARACTERS_MIN: usize = 24;
/// What of a key may be shown to tell it from others, at its beginning and at its end.
const SHOWN_FIRST: usize = 7;
const SHOWN_LAST: usize = 4;

/// A new key, on its only way out.
pub struct IssuedKey {
    pub id: KeyId,
    pub key: Secret,
}

/// What the first start did about a key.
pub enum BootstrapKey {
    /// The installation has keys already.
    Present,
    /// The operator's own key was taken over.
    Chosen,
    /// A key was made, to be shown once.
    Issued(IssuedKey),
}

/// The only form in which a key is stored and looked up: SHA-256 of the whole key. A slow hash would
/// protect short passwords; it adds nothing to 256 random bits and would cost every request.
pub(crate) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Sees to it that a fresh installation has a workspace and a key. `chosen` comes from
/// `BACKSTAY_BOOTSTRAP_KEY` and is added even when other keys exist, so that a lost key can be
/// replaced.
pub async fn bootstrap(
    store: &Store,
    chosen: Option<&Secret>,
    clock: &Clock,
    random: &Random,
) -> Result<BootstrapKey> {
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "default", clock.now()).await?;
    if let Some(key) = chosen {
        check_strength(key)?;
        let hash = hash(key.expose());
        if store.find_key(&hash).await?.is_none()
            && let Err(error) = save(store, &workspace, key, "bootstrap", clock, random).await
            // Another server on the same store may have been first.
            && store.find_key(&hash).await?.is_none()
        {
            return Err(error);
        }
        return Ok(BootstrapKey::Chosen);
    }
    if store.any_key_exists().await? {
        return Ok(BootstrapKey::Present);
    }
    let key = generate(random)?;
    let id = save(store, &workspace, &key, "first key", clock, random).await?;
    Ok(BootstrapKey::Issued(IssuedKey { id, key }))
}

fn check_strength(key: &Secret) -> Result<()> {
    let text = key.expose();
    if text.len() >= CHARACTERS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "BACKSTAY_BOOTSTRAP_KEY must have at least {CHARACTERS_MIN} visible ASCII characters; \
         make one with: echo bs-$(openssl rand -hex 32)"
    )))
}

fn generate(random: &Random) -> Result<Secret> {
    let mut bytes = [0; RANDOM_BYTES];
    random.fill(&mut bytes)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Secret::new(format!("{PREFIX}{digits}")).ok_or_else(|| Error::internal("an empty key was made"))
}

async fn save(
    store: &Store,
    workspace: &WorkspaceId,
    key: &Secret,
    name: &str,
    clock: &Clock,
    random: &Random,
) -> Result<KeyId> {
    let id = KeyId::new(clock, random)?;
    let new = NewKey {
        id: id.clone(),
        token: token(key),
        created_at: clock.now(),
        settings: KeySettings { name: name.to_owned(), ..KeySettings::default() },
        budgets: Vec::new(),
    };
    store.workspace(workspace).create_key(new).await?;
    Ok(id)
}

/// What may be kept of a key's text.
fn token(key: &Secret) -> KeyToken {
    let text = key.expose();
    let last = text.len().saturating_sub(SHOWN_LAST);
    KeyToken {
        hash: hash(text),
        prefix: text.chars().take(SHOWN_FIRST).collect(),
        suffix: text.get(last..).unwrap_or_default().to_owned(),
    }
}
