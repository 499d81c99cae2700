//! The end of a turn.

use std::collections::BTreeSet;

use backstay_core::{ErrorCode, chat::SettlementStatus};

use crate::harness::{
    TestStore, ann, at_once, generation_id, intent, kept_mut, say, scope, texts, thread_id, turn,
};

pub(crate) async fn a_turn_settles_its_call_and_is_read_back_in_order(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "I live in Ghent", "noted").await;
    workspace.begin_generation(intent("2")).await.unwrap();
    let stored = workspace.complete_turn(turn("2", "1", "where?", "in Ghent")).await.unwrap();
    assert!(stored.newly_settled);
    assert_eq!(stored.first_position, Some(2));
    assert_eq!(stored.episodes[1].position, 3);

    let messages = workspace.thread_messages(&thread_id("1"), 3).await.unwrap();
    let said: Vec<_> = messages.iter().map(|m| (m.position, m.message.text())).collect();
    let expected = [(1, "noted"), (2, "where?"), (3, "in Ghent")];
    assert_eq!(said, expected.map(|(position, text)| (position, text.to_owned())));
    assert_eq!(messages[2].generation, Some(generation_id("2")));
    let thread = workspace.thread(&thread_id("1")).await.unwrap().unwrap();
    assert_eq!((thread.message_count, thread.scope), (4, ann()));
    assert_eq!(texts(&workspace, &ann()).await, ["I live in Ghent", "noted", "where?", "in Ghent"]);
    assert_eq!(workspace.scopes().await.unwrap(), [(ann(), 4)]);
    assert!(texts(&workspace, &scope("planner", None)).await.is_empty());
    let row = workspace.generation(&generation_id("2")).await.unwrap().unwrap();
    assert_eq!(row.status, SettlementStatus::Completed);
}

pub(crate) async fn a_turn_told_twice_is_kept_once(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("1")).await.unwrap();
    let record = turn("1", "1", "I live in Ghent", "noted");
    assert!(workspace.complete_turn(record.clone()).await.unwrap().newly_settled);
    assert!(!workspace.complete_turn(record).await.unwrap().newly_settled);
    assert_eq!(workspace.thread(&thread_id("1")).await.unwrap().unwrap().message_count, 2);
    assert_eq!(texts(&workspace, &ann()).await.len(), 2);
}

pub(crate) async fn turns_that_end_at_once_on_one_thread_never_share_a_position(store: &TestStore) {
    const TURNS: u32 = 40;
    let workspace = store.a();
    let turns = (0..TURNS).map(|number| {
        let workspace = workspace.clone();
        async move {
            let id = format!("{number}");
            workspace.begin_generation(intent(&id)).await.unwrap();
            workspace.complete_turn(turn(&id, "1", "question", "answer")).await.unwrap()
        }
    });
    let stored = at_once(turns).await;
    let firsts: BTreeSet<u32> = stored.iter().filter_map(|turn| turn.first_position).collect();
    assert!(firsts.into_iter().eq((0..TURNS).map(|number| number * 2)));
    let messages = workspace.thread_messages(&thread_id("1"), 1_000).await.unwrap();
    assert!(messages.iter().map(|message| message.position).eq(0..TURNS * 2));
    for turn in &stored {
        let first = turn.first_position.unwrap();
        assert!(turn.episodes.iter().map(|episode| episode.position).eq([first, first + 1]));
    }
    let version = workspace.scope_version(&ann()).await.unwrap();
    assert_eq!(version.written, u64::from(TURNS * 2));
}

pub(crate) async fn a_turn_for_a_thread_of_another_scope_is_refused_whole(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "I live in Ghent", "noted").await;
    workspace.begin_generation(intent("2")).await.unwrap();
    let mut record = turn("2", "1", "mine now", "no");
    kept_mut(&mut record).thread.thread.scope = scope("planner", Some("Eve"));
    let refused = workspace.complete_turn(record).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert_eq!(workspace.thread(&thread_id("1")).await.unwrap().unwrap().message_count, 2);
    let row = workspace.generation(&generation_id("2")).await.unwrap().unwrap();
    assert_eq!(row.status, SettlementStatus::Pending);
}

pub(crate) async fn an_acknowledged_turn_is_there_after_the_store_is_opened_again(
    store: &TestStore,
) {
    say(&store.a(), "1", "I live in Ghent", "noted").await;
    store.reopen().await;
    assert_eq!(texts(&store.a(), &ann()).await, ["I live in Ghent", "noted"]);
    assert_eq!(store.a().thread_messages(&thread_id("1"), 10).await.unwrap().len(), 2);
    assert_eq!(store.store().settle_interrupted(crate::harness::at(3)).await.unwrap(), 0);
}
