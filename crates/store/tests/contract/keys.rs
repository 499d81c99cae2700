//! API keys.

use backstay_core::{
    Budget, BudgetPeriod, ErrorCode, KeyId, KeyScope, Money, RateLimit, RatePeriod, RoutingPolicy,
};
use backstay_store::{BudgetOf, KeyChange, KeySettings, KeyToken, NewKey, PageRequest};

use crate::harness::{TestStore, at, workspace_id};

fn token(first_byte: u8) -> KeyToken {
    KeyToken { hash: [first_byte; 32], prefix: "bs-0123".to_owned(), suffix: "cdef".to_owned() }
}

fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn key(name: &str, first_byte: u8) -> NewKey {
    NewKey {
        id: id(name),
        token: token(first_byte),
        created_at: at(0),
        settings: KeySettings {
            name: "laptop".to_owned(),
            expires_at: Some(at(100)),
            ..KeySettings::default()
        },
        budgets: Vec::new(),
    }
}

fn limited() -> KeySettings {
    KeySettings {
        name: "limited".to_owned(),
        expires_at: None,
        scopes: [KeyScope::Inference, KeyScope::Read].into_iter().collect(),
        policy: RoutingPolicy {
            allow_models: vec!["anthropic/*".to_owned()],
            ..RoutingPolicy::default()
        },
        rate_limits: vec![RateLimit::Requests { per: RatePeriod::Minute, limit: 3 }],
        allow_unpriced: true,
        strict_budget: true,
    }
}

fn daily() -> Vec<Budget> {
    vec![Budget { period: BudgetPeriod::Day, limit: Money::from_picodollars(7) }]
}

pub(crate) async fn a_fresh_installation_has_no_key(store: &TestStore) {
    assert!(!store.store().any_key_exists().await.unwrap());
    store.a().create_key(key("key_1", 1)).await.unwrap();
    assert!(store.store().any_key_exists().await.unwrap());
}

pub(crate) async fn a_key_is_found_by_its_hash_until_and_after_it_is_disabled(store: &TestStore) {
    let new = key("key_1", 1);
    store.b().create_key(new.clone()).await.unwrap();
    let found = store.store().find_key(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(found.workspace, workspace_id("ws_b"));
    assert_eq!((found.id, found.token, found.settings), (new.id.clone(), new.token, new.settings));
    assert!(!found.has_budget);
    assert_eq!(store.store().find_key(&[9; 32]).await.unwrap(), None);

    let disable = KeyChange { disabled: Some(true), ..KeyChange::default() };
    assert_eq!(store.a().update_key(&new.id, disable.clone(), at(5)).await.unwrap(), None);
    for now in [at(5), at(6)] {
        let changed = store.b().update_key(&new.id, disable.clone(), now).await.unwrap().unwrap();
        assert_eq!((changed.disabled_at, changed.updated_at), (Some(at(5)), Some(now)));
    }
    let found = store.store().find_key(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(found.disabled_at, Some(at(5)));
    assert_eq!(store.b().list_keys(PageRequest::default()).await.unwrap().items, [found]);
    assert!(store.a().list_keys(PageRequest::default()).await.unwrap().items.is_empty());

    let enable = KeyChange { disabled: Some(false), ..KeyChange::default() };
    let changed = store.b().update_key(&new.id, enable, at(7)).await.unwrap().unwrap();
    assert_eq!(changed.disabled_at, None);
}

pub(crate) async fn a_hash_or_an_id_is_taken_only_once(store: &TestStore) {
    store.a().create_key(key("key_1", 1)).await.unwrap();
    for taken in [key("key_1", 2), key("key_2", 1)] {
        let refused = store.a().create_key(taken).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Conflict);
    }
    let refused = store.b().create_key(key("key_1", 1)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    store.b().create_key(key("key_1", 2)).await.unwrap();
}

pub(crate) async fn settings_and_budgets_of_a_key_are_changed_together(store: &TestStore) {
    let workspace = store.a();
    workspace.create_key(key("key_1", 1)).await.unwrap();
    let change =
        KeyChange { settings: Some(limited()), budgets: Some(daily()), ..KeyChange::default() };
    let changed = workspace.update_key(&id("key_1"), change, at(5)).await.unwrap().unwrap();
    assert_eq!((&changed.settings, changed.has_budget), (&limited(), true));
    assert_eq!(workspace.key(&id("key_1")).await.unwrap(), Some(changed.clone()));
    assert_eq!(workspace.key_by_hash(&[1; 32]).await.unwrap(), Some(changed));
    assert_eq!(store.b().key_by_hash(&[1; 32]).await.unwrap(), None);

    let unlimited = KeyChange { budgets: Some(Vec::new()), ..KeyChange::default() };
    let changed = workspace.update_key(&id("key_1"), unlimited, at(6)).await.unwrap().unwrap();
    assert_eq!((&changed.settings, changed.has_budget), (&limited(), false));
    workspace.set_budgets(BudgetOf::Workspace, &daily(), at(7)).await.unwrap();
    assert!(workspace.key(&id("key_1")).await.unwrap().unwrap().has_budget);
}

pub(crate) async fn a_rotated_key_is_found_by_both_texts(store: &TestStore) {
    let workspace = store.a();
    workspace.create_key(key("key_1", 1)).await.unwrap();
    workspace.create_key(key("key_2", 2)).await.unwrap();
    let first = id("key_1");
    let rotate = |byte| workspace.rotate_key(&first, token(byte), at(50), at(5));
    let rotated = rotate(11).await.unwrap().unwrap();
    assert_eq!((rotated.token.hash, rotated.previous_until), ([11; 32], Some(at(50))));
    for hash in [[1; 32], [11; 32]] {
        let found = store.store().find_key(&hash).await.unwrap().unwrap();
        assert_eq!(found, rotated);
    }
    rotate(12).await.unwrap();
    assert_eq!(store.store().find_key(&[1; 32]).await.unwrap(), None);
    let refused = rotate(2).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    let missing = store.b().rotate_key(&id("key_1"), token(13), at(50), at(5)).await.unwrap();
    assert_eq!(missing, None);
}

pub(crate) async fn a_deleted_key_is_gone_with_its_budgets(store: &TestStore) {
    let workspace = store.a();
    workspace.create_key(NewKey { budgets: daily(), ..key("key_1", 1) }).await.unwrap();
    assert!(!store.b().delete_key(&id("key_1")).await.unwrap());
    assert!(workspace.delete_key(&id("key_1")).await.unwrap());
    assert!(!workspace.delete_key(&id("key_1")).await.unwrap());
    assert_eq!(store.store().find_key(&[1; 32]).await.unwrap(), None);
    let budgets = workspace.budgets(BudgetOf::Key(&id("key_1")), at(1)).await.unwrap();
    assert!(budgets.is_empty());
}
