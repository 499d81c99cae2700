//! Logins of devices.

use backstay_core::ErrorCode;
use backstay_store::{ApprovedLogin, LoginDecision, LoginState, NewDeviceLogin};

use crate::harness::{TestStore, at, workspace_id};

fn login(byte: u8, expires: i64) -> NewDeviceLogin {
    NewDeviceLogin { device_hash: [byte; 32], user_hash: [byte + 100; 32], expires_at: at(expires) }
}

fn approved() -> ApprovedLogin {
    ApprovedLogin { workspace: workspace_id("ws_a"), key_request: "{\"name\":\"n\"}".to_owned() }
}

async fn begin(store: &TestStore, new: NewDeviceLogin) {
    store.store().begin_device_login(new, 9, (at(0), at(-9))).await.unwrap();
}

async fn ask(store: &TestStore, byte: u8, now: i64) -> LoginState {
    store.store().ask_device_login([byte; 32], (at(now), at(now - 5))).await.unwrap()
}

async fn decide(store: &TestStore, byte: u8, decision: LoginDecision, now: i64) -> bool {
    store.store().decide_device_login([byte + 100; 32], decision, at(now)).await.unwrap()
}

pub(crate) async fn a_login_waits_until_it_is_decided_and_is_taken_once(store: &TestStore) {
    begin(store, login(1, 100)).await;
    assert_eq!(ask(store, 1, 10).await, LoginState::Waiting);
    assert_eq!(ask(store, 1, 12).await, LoginState::TooSoon);
    assert!(decide(store, 1, LoginDecision::Approved(approved()), 13).await);
    assert!(!decide(store, 1, LoginDecision::Denied, 14).await, "it was decided twice");
    assert_eq!(ask(store, 1, 20).await, LoginState::Approved(approved()));
    assert_eq!(ask(store, 1, 30).await, LoginState::Unknown);
    begin(store, login(2, 100)).await;
    assert!(decide(store, 2, LoginDecision::Denied, 13).await);
    assert_eq!(ask(store, 2, 20).await, LoginState::Denied);
    assert!(!decide(store, 7, LoginDecision::Denied, 13).await, "nobody waits for it");
}

pub(crate) async fn a_login_expires_and_only_so_many_wait(store: &TestStore) {
    let begin_at = async |byte: u8, now: i64| {
        let new = login(byte, now + 10);
        store.store().begin_device_login(new, 2, (at(now), at(now - 10))).await
    };
    begin_at(1, 0).await.unwrap();
    begin_at(2, 0).await.unwrap();
    let error = begin_at(3, 1).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooManyRequests);
    assert_eq!(ask(store, 1, 10).await, LoginState::Expired);
    assert!(!decide(store, 1, LoginDecision::Denied, 10).await, "it has expired");
    begin_at(3, 10).await.unwrap();
    assert_eq!(ask(store, 2, 12).await, LoginState::Expired);
    begin_at(4, 20).await.unwrap();
    assert_eq!(ask(store, 2, 21).await, LoginState::Unknown);
}
