//! What an installation does not keep any longer goes by whole months.

use backstay_core::{
    EpisodeId, GenerationId, Timestamp,
    memory::{Scope, Speaker},
};
use backstay_store::{
    ImportedThread, ImportedTurn, NewGeneration, PageRequest, Retention, SettledGeneration, Store,
    Workspace,
};

use crate::{
    harness::{TestStore, ann, intent, kept_mut, passage, settled, texts, thread_id, turn},
    statements::add,
};

fn day(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T12:00:00Z")).unwrap()
}

fn call_at(moment: Timestamp) -> GenerationId {
    GenerationId::first_at(moment)
}

async fn begin(workspace: &Workspace, moment: Timestamp) -> GenerationId {
    let id = call_at(moment);
    let new = NewGeneration { id: id.clone(), started_at: moment, ..intent("x") };
    workspace.begin_generation(new).await.unwrap();
    id
}

async fn call(workspace: &Workspace, moment: Timestamp) {
    let id = begin(workspace, moment).await;
    let settled = SettledGeneration { id, finished_at: moment, ..settled("x") };
    workspace.settle_generation(settled).await.unwrap();
}

/// A turn as it was said and answered at some moment, with ids of that moment and vectors.
async fn say(workspace: &Workspace, thread: &str, moment: Timestamp, says: &str) -> EpisodeId {
    let id = begin(workspace, moment).await;
    let mut record = turn("x", thread, says, &format!("noted: {says}"));
    record.settled.id = id;
    record.settled.finished_at = moment;
    for (number, episode) in (0_i64..).zip(&mut kept_mut(&mut record).episodes) {
        episode.id = EpisodeId::first_at(Timestamp::from_micros(moment.micros() + number * 1_000));
        episode.said_at = moment;
    }
    let stored = workspace.complete_turn(record).await.unwrap();
    let vectors =
        stored.episodes.iter().map(|episode| (episode.id.clone(), vec![passage(&[1.0, 2.0])]));
    workspace.put_vectors("m", "1", vectors.collect()).await.unwrap();
    stored.episodes[0].id.clone()
}

/// So that January and February are tables of their own, where a store has such.
async fn make_months(store: &TestStore) {
    for before in ["2030-12-15", "2031-01-15"] {
        store.store().keep_months(Retention::default(), day(before)).await.unwrap();
    }
}

/// As servers do it; how many rows were deleted one by one.
async fn carry_out(store: &Store, retention: Retention, now: Timestamp) -> usize {
    store.keep_months(retention, now).await.unwrap();
    let mut count = 0;
    loop {
        match store.retain(retention, now, 3).await.unwrap() {
            0 => break,
            deleted => count += deleted,
        }
    }
    store.keep_months(retention, now).await.unwrap();
    count
}

async fn calls(workspace: &Workspace) -> Vec<Timestamp> {
    let page = workspace.list_generations(PageRequest { limit: 100, cursor: None }).await.unwrap();
    page.items.into_iter().map(|row| row.started_at).collect()
}

async fn vectors(workspace: &Workspace, scope: &Scope) -> usize {
    workspace.scope_vectors(scope, "m", "1", 0, 100).await.unwrap().vectors.len()
}

pub(crate) async fn calls_go_by_whole_months_and_those_under_way_stay(store: &TestStore) {
    make_months(store).await;
    let workspace = store.a();
    for moment in ["2030-12-31", "2031-01-01", "2031-01-31", "2031-02-01", "2031-02-20"] {
        call(&workspace, day(moment)).await;
        call(&store.b(), day(moment)).await;
    }
    let open = begin(&workspace, day("2030-12-30")).await;
    let retention = Retention { ledger_days: Some(30), episodes_days: None };

    carry_out(&store.store(), Retention::default(), day("2040-01-01")).await;
    assert_eq!(calls(&workspace).await.len(), 6, "nothing goes unless it is asked for");
    carry_out(&store.store(), retention, day("2031-03-02")).await;
    let kept = ["2031-02-20", "2031-02-01", "2031-01-31", "2031-01-01", "2030-12-30"];
    assert_eq!(calls(&workspace).await, kept[..5].iter().map(|at| day(at)).collect::<Vec<_>>());
    carry_out(&store.store(), retention, day("2031-03-03")).await;
    let kept = ["2031-02-20", "2031-02-01", "2030-12-30"].map(day);
    assert_eq!(calls(&workspace).await, kept);
    assert_eq!(calls(&store.b()).await, kept[..2]);
    let row = workspace.generation(&call_at(day("2031-02-01"))).await.unwrap().unwrap();
    assert_eq!(row.attempts.len(), 2);
    assert!(workspace.generation(&call_at(day("2031-01-31"))).await.unwrap().is_none());

    let late = SettledGeneration { id: open, ..settled("x") };
    assert!(workspace.settle_generation(late).await.unwrap(), "a call that took that long ends");
}

pub(crate) async fn episodes_go_by_whole_months_with_what_was_made_of_them(store: &TestStore) {
    make_months(store).await;
    let workspace = store.a();
    let first = say(&workspace, "1", day("2031-01-20"), "I live in Ghent").await;
    say(&workspace, "1", day("2031-02-20"), "I have a dog").await;
    let turns = [("2031-01-21", "imported with January's"), ("2031-02-21", "imported later")];
    for (moment, text) in turns {
        let turn = ImportedTurn {
            speaker: Speaker::User,
            author: "Ann".to_owned(),
            text: text.to_owned(),
            said_at: day("2020-01-01"),
        };
        workspace
            .import_conversation(ImportedThread {
                scope: ann(),
                source: "elsewhere".to_owned(),
                external_id: Some(text.to_owned()),
                title: None,
                turns: vec![turn],
                imported_at: day(moment),
            })
            .await
            .unwrap();
    }
    let learned = add(&workspace, "Ann lives in Ghent", &[first]).await;
    let before = workspace.scope_version(&ann()).await.unwrap();
    let retention = Retention { ledger_days: None, episodes_days: Some(30) };

    assert_eq!(carry_out(&store.store(), retention, day("2031-03-02")).await, 0);
    assert_eq!(texts(&workspace, &ann()).await.len(), 6);
    // Two turns, what was learned of one, and what was imported meanwhile.
    assert_eq!(carry_out(&store.store(), retention, day("2031-03-03")).await, 4);
    let left = ["I have a dog", "noted: I have a dog", "imported later"];
    assert_eq!(texts(&workspace, &ann()).await, left);
    assert_eq!(vectors(&workspace, &ann()).await, 2);
    assert!(workspace.statement_history(&learned).await.unwrap().is_empty());
    let after = workspace.scope_version(&ann()).await.unwrap();
    assert_eq!(after.forgotten, before.forgotten + 3, "indexes in memory are read again");
    let messages = workspace.thread_messages(&thread_id("1"), 10).await.unwrap();
    let words: Vec<String> = messages.iter().map(|stored| stored.message.text()).collect();
    assert_eq!(words[..2], ["[forgotten]", "[forgotten]"]);
    assert_eq!(words[2], "I have a dog");
}
