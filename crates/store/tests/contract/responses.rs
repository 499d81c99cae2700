//! Answers that calls go on from.

use backstay_store::{NewResponse, ResponseChain, TurnRecord};

use crate::harness::{TestStore, at, generation_id, intent, thread_id, turn};

fn answer(id: &str, previous: Option<&str>) -> NewResponse {
    NewResponse {
        generation: generation_id(id),
        thread: thread_id("1"),
        previous: previous.map(generation_id),
        created_at: at(2),
        body: "{\"secret\":1}".to_owned(),
    }
}

async fn said(store: &TestStore, id: &str) -> TurnRecord {
    let record = turn(id, "1", "hello", "noted");
    store.a().begin_generation(intent(id)).await.unwrap();
    store.a().complete_turn(record.clone()).await.unwrap();
    record
}

pub(crate) async fn a_chain_has_the_turns_that_its_last_answer_stands_on(store: &TestStore) {
    let a = store.a();
    for (id, previous) in [("1", None), ("2", Some("1")), ("3", Some("1")), ("4", Some("3"))] {
        said(store, id).await;
        assert!(a.keep_response(answer(id, previous)).await.unwrap());
    }
    let chain = a.response_chain(&generation_id("4")).await.unwrap().unwrap();
    let turns = ["1", "3", "4"].map(generation_id).to_vec();
    assert_eq!(chain, ResponseChain { thread: thread_id("1"), turns });
    assert_eq!(store.b().response_chain(&generation_id("4")).await.unwrap(), None);
    assert_eq!(store.b().response(&generation_id("4")).await.unwrap(), None);
}

pub(crate) async fn an_answer_without_a_thread_is_not_kept(store: &TestStore) {
    assert!(!store.a().keep_response(answer("1", None)).await.unwrap());
    assert_eq!(store.a().response(&generation_id("1")).await.unwrap(), None);
}

pub(crate) async fn a_deleted_answer_is_gone_and_keeps_its_place_in_the_chain(store: &TestStore) {
    let a = store.a();
    for (id, previous) in [("1", None), ("2", Some("1"))] {
        said(store, id).await;
        a.keep_response(answer(id, previous)).await.unwrap();
    }
    assert_eq!(store.b().delete_response(&generation_id("1"), at(3)).await.unwrap(), None);
    assert_eq!(a.delete_response(&generation_id("1"), at(3)).await.unwrap(), Some(None));
    assert_eq!(a.response(&generation_id("1")).await.unwrap(), None);
    assert_eq!(a.response_chain(&generation_id("1")).await.unwrap(), None);
    assert_eq!(a.delete_response(&generation_id("1"), at(3)).await.unwrap(), None);
    let chain = a.response_chain(&generation_id("2")).await.unwrap().unwrap();
    assert_eq!(chain.turns, ["1", "2"].map(generation_id));
    let last = a.delete_response(&generation_id("2"), at(3)).await.unwrap();
    assert_eq!(last, Some(Some(thread_id("1"))));
    a.delete_thread(&thread_id("1"), at(4)).await.unwrap();
    assert_eq!(a.response_chain(&generation_id("2")).await.unwrap(), None);
}
