//! API keys.

use backstay_core::{ErrorCode, KeyId};
use backstay_store::{NewKey, PageRequest};

use crate::harness::{TestStore, at, workspace_id};

fn key(id: &str, first_byte: u8) -> NewKey {
    NewKey {
        id: KeyId::parse(id).unwrap(),
        hash: [first_byte; 32],
        prefix: "bs-0123".to_owned(),
        name: "laptop".to_owned(),
        created_at: at(0),
        expires_at: Some(at(100)),
    }
}

pub(crate) async fn a_fresh_installation_has_no_key(store: &TestStore) {
    assert!(!store.store().any_key_exists().await.unwrap());
    store.a().create_key(&key("key_1", 1)).await.unwrap();
    assert!(store.store().any_key_exists().await.unwrap());
}

pub(crate) async fn a_key_is_found_by_its_hash_until_and_after_it_is_disabled(store: &TestStore) {
    let new = key("key_1", 1);
    store.b().create_key(&new).await.unwrap();
    let found = store.store().find_key(&new.hash).await.unwrap().unwrap();
    assert_eq!(found.workspace, workspace_id("ws_b"));
    assert_eq!(
        (found.id, found.name, found.expires_at),
        (new.id.clone(), new.name, new.expires_at)
    );
    assert_eq!(store.store().find_key(&[9; 32]).await.unwrap(), None);

    assert!(!store.a().disable_key(&new.id, at(5)).await.unwrap());
    assert!(store.b().disable_key(&new.id, at(5)).await.unwrap());
    assert!(!store.b().disable_key(&new.id, at(6)).await.unwrap());
    let found = store.store().find_key(&new.hash).await.unwrap().unwrap();
    assert_eq!(found.disabled_at, Some(at(5)));
    assert_eq!(store.b().list_keys(PageRequest::default()).await.unwrap().items, [found]);
    assert!(store.a().list_keys(PageRequest::default()).await.unwrap().items.is_empty());
}

pub(crate) async fn a_hash_or_an_id_is_taken_only_once(store: &TestStore) {
    store.a().create_key(&key("key_1", 1)).await.unwrap();
    for taken in [key("key_1", 2), key("key_2", 1)] {
        let refused = store.a().create_key(&taken).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Conflict);
    }
    let refused = store.b().create_key(&key("key_1", 1)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    store.b().create_key(&key("key_1", 2)).await.unwrap();
}
