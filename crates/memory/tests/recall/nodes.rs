//! Servers that share a database: each recalls what any of them was told.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use backstay_core::{
    EpisodeId,
    memory::{RecallFilter, RecalledId, Scope},
};
use backstay_memory::{MemoryOptions, MissingReason, RecallMode, RecallOptions};
use backstay_store::StatementChange;
use backstay_test_database::TestDatabase;

use crate::world::{
    LIFE, World, at_most, counted_embeddings, moment, scope, statement, texts, toy_embeddings,
    workspace,
};

const OPTIONS: fn() -> MemoryOptions = MemoryOptions::default;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_was_told_another_recalls_in_the_next_call_by_meaning_too() {
    let database = TestDatabase::create().await.unwrap();
    let one = World::on(&database, toy_embeddings(), OPTIONS()).await;
    let two = World::on(&database, toy_embeddings(), OPTIONS()).await;
    let me = scope("helper", None);
    one.tell("a", &me, "t", &["I cooked pasta.", "Yum."]).await;
    while one.memory.embed_pending(10).await.unwrap() > 0 {}
    // From now on the other holds an index.
    assert!(two.recall("a", &me, "which beach").await.items.is_empty());

    one.tell("a", &me, "u", &["We swam in the ocean.", "Nice."]).await;
    let recall = two.recall("a", &me, "Who swam?").await;
    assert_eq!(texts(&recall)[0], "We swam in the ocean.");
    assert!(two.recall("a", &me, "which beach").await.items.is_empty());
    while one.memory.embed_pending(10).await.unwrap() > 0 {}
    let recall = two.recall("a", &me, "which beach").await;
    assert_eq!(
        (texts(&recall)[0], recall.mode),
        ("We swam in the ocean.", RecallMode::WordsAndVectors)
    );

    let store = one.store.workspace(&workspace("a"));
    let add = StatementChange::Add(statement("The waves are what I like most."));
    store.change_statements(&me, vec![add], moment()).await.unwrap();
    assert_eq!(two.recall("a", &me, "which beach").await.items.len(), 1);
    while one.memory.embed_pending(10).await.unwrap() > 0 {}
    let recall = two.recall("a", &me, "which beach").await;
    let found = recall.items.iter().find(|item| matches!(item.id, RecalledId::Memory(_)));
    assert!(found.is_some_and(|item| item.text.contains("waves")), "{recall:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_make_each_vector_once() {
    let database = TestDatabase::create().await.unwrap();
    let embedded = Arc::new(AtomicUsize::new(0));
    let mut servers = Vec::new();
    for _ in 0..3 {
        let embeddings = counted_embeddings("1", Arc::clone(&embedded));
        servers.push(World::on(&database, embeddings, OPTIONS()).await);
    }
    let me = scope("helper", None);
    for thread in 0..20 {
        servers[0].tell("a", &me, &format!("t{thread}"), &["Pasta.", "Yum.", "Beach."]).await;
    }
    let at_work = servers.iter().map(|server| {
        let memory = server.memory.clone();
        tokio::spawn(async move { while memory.embed_pending(3).await.unwrap() > 0 {} })
    });
    for working in at_work.collect::<Vec<_>>() {
        working.await.unwrap();
    }
    assert_eq!(servers[0].memory.embeddings_status().await.unwrap().pending, 0);
    assert_eq!(embedded.load(Ordering::Relaxed), 60);
}

/// Scopes of any size are searched by the database, in blocks of a few turns.
fn in_database() -> MemoryOptions {
    MemoryOptions { database_from_turns: 0, block_turns: 4, ..MemoryOptions::default() }
}

async fn revision(world: &World) -> String {
    let status = world.memory.embeddings_status().await.unwrap();
    status.model.unwrap().revision
}

async fn made_ready(world: &World) {
    while world.memory.embed_pending(10).await.unwrap() > 0 {}
    while world.memory.index_pending().await.unwrap() > 0 {}
}

/// Talks about many things, so that most have nothing to do with a question.
async fn talk(world: &World, me: &Scope) -> Vec<EpisodeId> {
    let mut ids = world.tell("a", me, "life", &LIFE).await;
    for (number, thing) in
        ["heron", "bicycle", "boiler", "violin", "lantern", "kettle"].into_iter().enumerate()
    {
        let told = [
            format!("Yesterday the {thing} broke again."),
            "What a pity.".to_owned(),
            format!("The waves took it, number {number}."),
            "I cooked pasta for dinner.".to_owned(),
            "Which sauce?".to_owned(),
        ];
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        ids.extend(world.tell("a", me, thing, &told).await);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_finds_in_a_large_scope_what_an_index_in_memory_finds() {
    let database = TestDatabase::create().await.unwrap();
    let in_memory = World::on(&database, toy_embeddings(), OPTIONS()).await;
    let large = World::on(&database, toy_embeddings(), in_database()).await;
    let me = scope("helper", None);
    talk(&in_memory, &me).await;
    made_ready(&large).await;
    let store = large.store.workspace(&workspace("a"));
    let blocks = store.block_spans(&me, "toy", &revision(&large).await).await.unwrap();
    assert_eq!(blocks.len(), 9, "of 36 turns");
    for question in [
        "Where does Anna live?",
        "When does the contract at the bakery end?",
        "What broke?",
        "the violin",
        "which beach",
        "What did we talk about on 8 May 2024?",
        "Do you know how nginx is configured?",
    ] {
        let expected = in_memory.recall("a", &me, question).await;
        let found = large.recall("a", &me, question).await;
        assert_eq!(found.relevant, expected.relevant, "{question}");
        assert_eq!(found.mode, expected.mode, "{question}");
        assert_eq!(texts(&found), texts(&expected), "{question}");
        assert_eq!(found.evidence.word_coverage, expected.evidence.word_coverage, "{question}");
    }
    assert!(large.recall("b", &me, "the violin").await.items.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_scope_knows_what_is_told_and_forgotten_at_once() {
    let database = TestDatabase::create().await.unwrap();
    let one = World::on(&database, toy_embeddings(), in_database()).await;
    let two = World::on(&database, toy_embeddings(), in_database()).await;
    let me = scope("helper", None);
    let ids = talk(&one, &me).await;
    made_ready(&one).await;
    let anna = "Where does Anna live?";
    assert!(texts(&two.recall("a", &me, anna).await).contains(&LIFE[0]));

    one.tell("a", &me, "new", &["The harp was tuned by Okafor.", "Nice.", "It was.", "Yes."]).await;
    let harp = "Who tuned the harp?";
    let told = "The harp was tuned by Okafor.";
    assert!(texts(&two.recall("a", &me, harp).await).contains(&told));
    made_ready(&one).await;
    assert!(texts(&two.recall("a", &me, harp).await).contains(&told));

    let first = [RecalledId::Episode(ids[0].clone())];
    one.memory.forget(&workspace("a"), &first, moment()).await.unwrap();
    for world in [&one, &two] {
        assert!(!texts(&world.recall("a", &me, anna).await).contains(&LIFE[0]));
        assert!(texts(&world.recall("a", &me, "Lisbon").await).contains(&LIFE[2]));
    }
    made_ready(&one).await;
    assert!(!texts(&two.recall("a", &me, anna).await).contains(&LIFE[0]));
    let violin = "Yesterday the violin broke again.";
    assert!(texts(&two.recall("a", &me, "the violin").await).contains(&violin));
    let all = database.all_rows().await.unwrap();
    assert!(!all.contains("porto"), "a word that only the forgotten turn had is still there");

    let store = one.store.workspace(&workspace("a"));
    let add = StatementChange::Add(statement("Carla plays the oboe."));
    store.change_statements(&me, vec![add], moment()).await.unwrap();
    let recall = two.recall("a", &me, "Who plays the oboe?").await;
    assert!(texts(&recall).contains(&"Carla plays the oboe."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_and_explanations_hold_in_a_large_scope() {
    let database = TestDatabase::create().await.unwrap();
    let world = World::on(&database, toy_embeddings(), in_database()).await;
    let me = scope("helper", None);
    let ids = talk(&world, &me).await;
    made_ready(&world).await;
    let found = world.memory.search(&workspace("a"), &me, "the violin", at_most(1)).await.unwrap();
    let filter = RecallFilter { thread: found[0].thread.clone(), ..RecallFilter::default() };
    let options = RecallOptions { filter, ..RecallOptions::at(moment()) };
    let recall = world.recall_with("a", &me, "What broke?", options).await;
    assert!(texts(&recall).iter().any(|text| text.contains("violin broke")), "{recall:?}");
    assert!(recall.items.iter().all(|item| item.thread == found[0].thread), "{recall:?}");

    let forgotten = [RecalledId::Episode(ids[3].clone())];
    world.memory.forget(&workspace("a"), &forgotten, moment()).await.unwrap();
    let options = RecallOptions::at(moment());
    let explained = world
        .memory
        .explain(&workspace("a"), &me, "the violin", options, forgotten.to_vec(), 3)
        .await
        .unwrap();
    assert_eq!(explained.missing[0].reason, MissingReason::Forgotten);
    assert!(explained.items[0].item.text.contains("violin"), "{explained:?}");
}
