//! Narrowing a recall, what it was read as, and why something is not in it.

use backstay_core::{
    Timestamp,
    memory::{MemoryState, NewStatement, RecallFilter, RecalledId, Scope, Speaker, Trust},
};
use backstay_memory::{Embeddings, MissingReason, Outcome, RecallOptions};
use backstay_store::{ImportedThread, ImportedTurn, StatementChange};

use crate::world::{LIFE, World, at_most, moment, scope, statement, texts, workspace};

#[tokio::test]
async fn one_document_fills_no_answer_and_explain_says_so() {
    let world = World::new(Embeddings::None).await;
    let me = scope("helper", None);
    let store = world.store.workspace(&workspace("a"));
    let of_page = |number: usize| NewStatement {
        trust: Trust::Document,
        source: "document:page.html".to_owned(),
        ..statement(&format!("The dentist for patient {number} is called Okafor."))
    };
    let mut added = Vec::new();
    for number in 0..10 {
        let add = StatementChange::Add(of_page(number));
        added.extend(store.change_statements(&me, vec![add], moment()).await.unwrap());
    }
    let own = StatementChange::Add(statement("The dentist for Anna is called Nowak."));
    store.change_statements(&me, vec![own], moment()).await.unwrap();
    let question = "What is the dentist called?";
    let recall = world.recall("a", &me, question).await;
    let from_page = texts(&recall).into_iter().filter(|text| text.contains("patient")).count();
    assert_eq!((from_page, recall.items.len()), (3, 4), "{recall:?}");
    let (limit, options) = (20, RecallOptions::at(moment()));
    let memory = &world.memory;
    let explained =
        memory.explain(&workspace("a"), &me, question, options, Vec::new(), limit).await.unwrap();
    let full = explained.items.iter().filter(|item| item.outcome == Outcome::SourceFull).count();
    assert_eq!(full, 7);
}

#[tokio::test]
async fn a_filter_narrows_a_recall_and_explain_names_it() {
    let world = World::new(Embeddings::None).await;
    let me = scope("helper", None);
    let store = world.store.workspace(&workspace("a"));
    world.tell("a", &me, "t", &["The dentist is called Okafor."]).await;
    let ids = world.tell("a", &me, "u", &["The dentist is called Ferreira."]).await;
    let mut tagged = statement("The dentist is called Nowak.");
    tagged.metadata.insert("project".to_owned(), "teeth".into());
    tagged.said_at = Timestamp::from_millis(moment().millis() + 86_400_000);
    store.change_statements(&me, vec![StatementChange::Add(tagged)], moment()).await.unwrap();
    let question = "What is the dentist called?";
    let named = async |filter: RecallFilter| {
        let options = RecallOptions { filter, ..RecallOptions::at(moment()) };
        let recall = world.recall_with("a", &me, question, options).await;
        let names = ["Okafor", "Ferreira", "Nowak"];
        let is_named = |name: &&str| texts(&recall).iter().any(|text| text.contains(name));
        names.into_iter().filter(is_named).collect::<Vec<_>>()
    };
    assert_eq!(named(RecallFilter::default()).await.len(), 3);
    let thread = store.episode(&ids[0]).await.unwrap().unwrap().episode.thread;
    let of_thread = RecallFilter { thread: Some(thread), ..RecallFilter::default() };
    assert_eq!(named(of_thread.clone()).await, ["Ferreira"]);
    let since = Timestamp::from_millis(moment().millis() + 80_000_000);
    let late = RecallFilter { from: Some(since), ..RecallFilter::default() };
    let early = RecallFilter { to: Some(since), ..RecallFilter::default() };
    assert_eq!(named(late).await, ["Nowak"]);
    assert_eq!(named(early).await, ["Okafor", "Ferreira"]);
    let project = |name: &str| {
        let metadata = serde_json::Map::from_iter([("project".to_owned(), name.into())]);
        RecallFilter { metadata, ..RecallFilter::default() }
    };
    assert_eq!(named(project("teeth")).await, ["Nowak"]);
    assert!(named(project("bread")).await.is_empty());
    let options = RecallOptions { filter: project("teeth"), ..RecallOptions::at(moment()) };
    let asked = vec![RecalledId::Episode(ids[0].clone())];
    let memory = &world.memory;
    let explained =
        memory.explain(&workspace("a"), &me, question, options, asked, 9).await.unwrap();
    assert_eq!(explained.missing[0].reason, MissingReason::FilteredOut);
}

#[tokio::test]
async fn explain_says_why_something_cannot_be_recalled_at_all() {
    let world = World::new(Embeddings::None).await;
    let (me, other) = (scope("helper", None), scope("helper", Some("other")));
    let store = world.store.workspace(&workspace("a"));
    let mine = world.tell("a", &me, "t", &LIFE[..2]).await;
    let theirs = world.tell("a", &other, "t", &LIFE[..2]).await;
    let mut aside = statement("The user is an administrator.");
    aside.state = MemoryState::Quarantined("claims rights".to_owned());
    let change = |change| store.change_statements(&me, vec![change], moment());
    let aside = change(StatementChange::Add(aside)).await.unwrap();
    let aside = RecalledId::Memory(aside[0].statement().unwrap().id.clone());
    let gone = change(StatementChange::Add(statement("Anna has a boat."))).await.unwrap();
    let id = gone[0].statement().unwrap().id.clone();
    change(StatementChange::Retract { id: id.clone() }).await.unwrap();
    let first = RecalledId::Episode(mine[0].clone());
    world.memory.forget(&workspace("a"), std::slice::from_ref(&first), moment()).await.unwrap();
    let never = RecalledId::parse("ep_00000000000000000000000000").unwrap();
    let expected = [
        (first, MissingReason::Forgotten),
        (RecalledId::Episode(theirs[0].clone()), MissingReason::OtherScope),
        (aside, MissingReason::Quarantined),
        (RecalledId::Memory(id), MissingReason::Retracted),
        (never, MissingReason::Unknown),
    ];
    let asked = expected.iter().map(|(id, _)| id.clone()).collect();
    let (tenant, options) = (workspace("a"), RecallOptions::at(moment()));
    let explained = world.memory.explain(&tenant, &me, "Anna?", options, asked, 9);
    let missing = explained.await.unwrap().missing;
    let found: Vec<_> = missing.into_iter().map(|missing| (missing.id, missing.reason)).collect();
    assert_eq!(found, expected);
}

/// In the weeks before the moment that everything is asked at.
async fn tell_of_two_days(world: &World, me: &Scope) {
    for (days_ago, texts) in [
        (30, ["The boiler broke.", "I will send a plumber."]),
        (24, ["I bought a piano in Ghent.", "How lovely."]),
        (2, ["The piano is out of tune.", "Ask Okafor."]),
    ] {
        let said_at = |minute| {
            Timestamp::from_millis(moment().millis() - days_ago * 86_400_000 + minute * 60_000)
        };
        let turn = |(minute, text): (i64, &str)| ImportedTurn {
            speaker: if minute == 0 { Speaker::User } else { Speaker::Assistant },
            author: if minute == 0 { "user" } else { "assistant" }.to_owned(),
            text: text.to_owned(),
            said_at: said_at(minute),
        };
        let imported = ImportedThread {
            scope: me.clone(),
            source: "test".to_owned(),
            external_id: Some(format!("days ago: {days_ago}")),
            title: None,
            turns: (0..).zip(texts).map(turn).collect(),
            imported_at: moment(),
        };
        world.store.workspace(&workspace("a")).import_conversation(imported).await.unwrap();
    }
}

#[tokio::test]
async fn a_question_for_a_time_alone_is_answered_by_what_was_said_then() {
    let world = World::new(Embeddings::None).await;
    let me = scope("helper", None);
    tell_of_two_days(&world, &me).await;
    let recalled = async |question: &str| {
        let recall = world.recall("a", &me, question).await;
        texts(&recall).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let last = ["The piano is out of tune.", "Ask Okafor."];
    assert_eq!(recalled("What did we talk about the last time we spoke?").await, last);
    assert_eq!(recalled("What did I say two days ago?").await, last);
    let piano = recalled("What did I tell you the week after we spoke of the boiler?").await;
    assert_eq!(piano, ["I bought a piano in Ghent.", "How lovely."]);
    world.tell("a", &me, "t", &["I must talk to Okafor about it."]).await;
    assert!(recalled("What did we talk about in 2019?").await.is_empty());
    let (tenant, options) = (workspace("a"), RecallOptions::at(moment()));
    let old = world.memory.search(&workspace("a"), &me, "boiler", at_most(1)).await.unwrap();
    let asked = vec![old[0].id.clone()];
    let question = "What did we talk about the last time we spoke?";
    let explained = world.memory.explain(&tenant, &me, question, options, asked, 9);
    let explained = explained.await.unwrap();
    assert_eq!(explained.reading.times, ["2024-05-08"]);
    assert_eq!(explained.missing[0].reason, MissingReason::OtherTime);
}
