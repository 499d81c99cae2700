//! Assistants, their threads, and what a client keeps beside a message.

use backstay_core::{AssistantId, AssistantSettings, ErrorCode, Name};
use backstay_store::{Assistant, NewThread};
use serde_json::json;

use crate::harness::{TestStore, ann, at, intent, kept_mut, say, scope, thread_id, turn};

fn id(text: &str) -> AssistantId {
    AssistantId::parse(&format!("asst_{text}")).unwrap()
}

fn assistant(text: &str, name: &str, second: i64) -> Assistant {
    Assistant {
        id: id(text),
        scope: Name::parse(&format!("scope {text}")).unwrap(),
        name: name.to_owned(),
        settings: AssistantSettings {
            system_prompt: Some("Be brief.".to_owned()),
            tools: vec![json!({"type": "function"})],
            passages: Some(7),
            ..AssistantSettings::default()
        },
        created_at: at(second),
    }
}

pub(crate) async fn assistants_are_listed_newest_first_and_by_name(store: &TestStore) {
    let a = store.a();
    for (text, name, second) in [("1", "x", 1), ("2", "y", 2), ("3", "x", 3)] {
        assert!(a.add_assistant(assistant(text, name, second)).await.unwrap());
    }
    let ids = async |name: Option<&str>, skip, limit| {
        let found = a.list_assistants(name, skip, limit).await.unwrap();
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 0, 10).await, [id("3"), id("2"), id("1")]);
    assert_eq!(ids(None, 1, 1).await, [id("2")]);
    assert_eq!(ids(Some("x"), 0, 10).await, [id("3"), id("1")]);
    assert_eq!(ids(Some("X"), 0, 10).await, []);
    assert_eq!(a.assistant(&id("1")).await.unwrap(), Some(assistant("1", "x", 1)));
    assert_eq!(store.b().assistant(&id("1")).await.unwrap(), None);
    assert_eq!(store.b().list_assistants(None, 0, 10).await.unwrap(), []);
}

pub(crate) async fn an_assistant_is_changed_whole_and_deleted_once(store: &TestStore) {
    let a = store.a();
    a.add_assistant(assistant("1", "x", 1)).await.unwrap();
    let rename = |assistant: &mut Assistant| assistant.name = "new".to_owned();
    let renamed = a.update_assistant(&id("1"), rename).await.unwrap().unwrap();
    assert_eq!(renamed, Assistant { name: "new".to_owned(), ..assistant("1", "x", 1) });
    assert_eq!(a.assistant(&id("1")).await.unwrap(), Some(renamed));
    assert_eq!(store.b().update_assistant(&id("1"), rename).await.unwrap(), None);
    assert!(!store.b().delete_assistant(&id("1")).await.unwrap());
    assert!(a.delete_assistant(&id("1")).await.unwrap());
    assert!(!a.delete_assistant(&id("1")).await.unwrap());
}

pub(crate) async fn a_scope_belongs_to_one_assistant(store: &TestStore) {
    let a = store.a();
    assert!(a.add_assistant(assistant("1", "x", 1)).await.unwrap());
    let same_scope = Assistant { id: id("2"), ..assistant("1", "x", 1) };
    assert!(!a.add_assistant(same_scope.clone()).await.unwrap());
    let found = a.assistant_of_scope(&same_scope.scope).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(id("1")));
    assert!(store.b().add_assistant(same_scope).await.unwrap());
}

pub(crate) async fn threads_of_an_assistant_are_listed_by_last_use(store: &TestStore) {
    let a = store.a();
    let opened = |text, second| NewThread {
        id: thread_id(text),
        scope: scope("planner", None),
        title: None,
        created_at: at(second),
        incognito: false,
    };
    for (text, second) in [("1", 0), ("2", 1)] {
        assert_eq!(a.open_thread(opened(text, second)).await.unwrap().message_count, 0);
    }
    say(&a, "3", "hello", "hi").await;
    a.open_thread(NewThread { scope: scope("other", None), ..opened("4", 9) }).await.unwrap();
    let planner = Name::parse("planner").unwrap();
    let ids = async |assistant: Option<&Name>, skip| {
        let found = a.recent_threads(assistant, skip, 10).await.unwrap();
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(&planner), 0).await, ["3", "2", "1"].map(thread_id));
    assert_eq!(ids(None, 1).await, ["3", "2", "1"].map(thread_id));
    assert!(store.b().recent_threads(None, 0, 10).await.unwrap().is_empty());
    let taken = a.open_thread(NewThread { scope: ann(), ..opened("1", 9) }).await.unwrap_err();
    assert_eq!(taken.code(), ErrorCode::Conflict);
}

pub(crate) async fn a_message_keeps_what_its_client_put_beside_it(store: &TestStore) {
    let a = store.a();
    let beside = json!({"token": "t", "nested": {"list": [1, null]}}).as_object().cloned();
    let mut record = turn("1", "1", "hello", "hi");
    kept_mut(&mut record).thread.messages[0].metadata = beside.clone();
    a.begin_generation(intent("1")).await.unwrap();
    a.complete_turn(record).await.unwrap();
    let messages = a.thread_messages(&thread_id("1"), 10).await.unwrap();
    assert_eq!((&messages[0].metadata, &messages[1].metadata), (&beside, &None));
}
