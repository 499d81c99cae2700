//! What forgetting takes along, and what it leaves.

use backstay_core::{
    EpisodeId,
    memory::{NewStatement, RecalledId, SourceQuote, Trust},
};
use backstay_store::{ChangeOutcome, Forgotten, MemoryPolicy, Refusal, StatementChange, Workspace};

use crate::{
    harness::{TestStore, ann, at, say, scope, thread_id},
    statements::{add, believed, change, statement},
};

fn ids(episodes: &[EpisodeId]) -> Vec<RecalledId> {
    episodes.iter().cloned().map(RecalledId::from).collect()
}

/// What the preview says, after it was carried out and came to the same.
async fn forgotten(workspace: &Workspace, ids: &[RecalledId]) -> Forgotten {
    let preview = workspace.forget_preview(ids).await.unwrap();
    assert_eq!(workspace.forget(ids, at(9)).await.unwrap(), preview);
    preview
}

fn quotes(text: &str, sources: &[EpisodeId]) -> Vec<SourceQuote> {
    statement(text, sources).sources
}

pub(crate) async fn a_forgotten_turn_takes_what_was_learned_from_it_along(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "the safe opens with zanzibar-4711", "noted").await;
    let id = add(&workspace, "Ann's safe opens with zanzibar-4711", &said[..1]).await;
    let other = add(&workspace, "Ann has a dog", &said[1..]).await;
    let gone = forgotten(&workspace, &ids(&said[..1])).await;
    assert_eq!(gone.statements, std::slice::from_ref(&id));
    assert!(workspace.statement_history(&id).await.unwrap().is_empty());
    assert!(workspace.statement(&other).await.unwrap().is_some());
    let bytes = store.all_bytes().await;
    let secret = b"zanzibar-4711";
    assert!(!bytes.windows(secret.len()).any(|window| window == secret));
}

pub(crate) async fn a_withdrawn_memory_takes_its_turn_along_and_leaves_the_conversation(
    store: &TestStore,
) {
    let workspace = store.a();
    let told = "My cat is Felix, and I live in Ghent";
    let said = say(&workspace, "1", told, "Felix is a fine name").await;
    let later = say(&workspace, "1", "I have a bicycle", "noted").await;
    let felix = add(&workspace, "Ann has a cat, Felix", &said[..1]).await;
    let ghent = add(&workspace, "Ann lives in Ghent", &said[..1]).await;
    let gone = workspace.withdraw(&RecalledId::Memory(felix.clone()), at(9)).await.unwrap();
    assert_eq!((gone.statements, gone.weakened), (vec![felix], vec![ghent.clone()]));
    assert_eq!(gone.episodes, said);
    let left = workspace.statement(&ghent).await.unwrap().unwrap();
    assert_eq!((left.said.text.as_str(), left.said.sources), ("Ann lives in Ghent", vec![]));
    for id in &said {
        assert_eq!(workspace.episode(id).await.unwrap(), None);
    }
    assert!(workspace.episode(&later[0]).await.unwrap().is_some());
    let messages = workspace.thread_messages(&thread_id("1"), 9).await.unwrap();
    assert_eq!(messages[0].message.text(), told);
    let again = StatementChange::Add(statement("Ann has a cat, Felix", &later[..1]));
    let outcome = change(&workspace, again).await;
    assert_eq!(outcome, ChangeOutcome::Refused(Refusal::Forgotten));
}

pub(crate) async fn what_another_turn_says_as_well_stays(store: &TestStore) {
    let workspace = store.a();
    let first = say(&workspace, "1", "I live in Ghent", "noted").await;
    let second = say(&workspace, "2", "Ghent is my home", "noted").await;
    let id = add(&workspace, "Ann lives in Ghent", &first[..1]).await;
    let again = statement("Ann lives in Ghent", &[]);
    let sources = quotes("Ghent is my home", &second[..1]);
    let merge = StatementChange::Merge { id: id.clone(), statement: again, sources };
    assert!(matches!(change(&workspace, merge).await, ChangeOutcome::Revised(_)));
    let gone = forgotten(&workspace, &ids(&first[..1])).await;
    assert_eq!((gone.statements, gone.weakened), (vec![], vec![id.clone()]));
    let left = workspace.statement(&id).await.unwrap().unwrap();
    assert_eq!(left.said.sources, quotes("Ghent is my home", &second[..1]));
    let gone = forgotten(&workspace, &ids(&second[..1])).await;
    assert_eq!(gone.statements, [id]);
}

pub(crate) async fn what_was_made_of_two_turns_goes_with_either(store: &TestStore) {
    let workspace = store.a();
    let first = say(&workspace, "1", "I have a dog", "noted").await;
    let second = say(&workspace, "1", "Bruno is five", "noted").await;
    let id = add(&workspace, "Ann has a dog", &first[..1]).await;
    let fuller = statement("Ann has a dog, Bruno, who is five", &second[..1]);
    let merge = StatementChange::Merge { id: id.clone(), statement: fuller, sources: Vec::new() };
    change(&workspace, merge).await;
    let gone = forgotten(&workspace, &ids(&second[..1])).await;
    assert_eq!(gone.statements, [id]);
    assert!(believed(&workspace).await.is_empty());
}

pub(crate) async fn what_a_forgotten_statement_had_displaced_is_believed_again(store: &TestStore) {
    let workspace = store.a();
    let ghent = add(&workspace, "Ann lives in Ghent", &[]).await;
    let supersede = |id, by: &str| StatementChange::Supersede {
        ids: vec![id],
        by: statement(by, &[]),
        at: at(3),
    };
    let outcome = change(&workspace, supersede(ghent.clone(), "Ann lives in Porto")).await;
    let porto = outcome.statement().unwrap().id.clone();
    let outcome = change(&workspace, supersede(porto.clone(), "Ann lives in Lyon")).await;
    let lyon = outcome.statement().unwrap().id.clone();

    let gone = forgotten(&workspace, &[RecalledId::Memory(porto)]).await;
    assert!(gone.restored.is_empty(), "Lyon still says that she left Ghent");
    let ended = workspace.statement(&ghent).await.unwrap().unwrap();
    assert_eq!(ended.superseded_by, Some(lyon.clone()));

    let gone = forgotten(&workspace, &[RecalledId::Memory(lyon)]).await;
    assert_eq!(gone.restored, std::slice::from_ref(&ghent));
    assert_eq!(believed(&workspace).await, ["Ann lives in Ghent"]);
    let restored = workspace.statement(&ghent).await.unwrap().unwrap();
    assert_eq!((restored.said.valid.to, restored.superseded_by), (None, None));
}

pub(crate) async fn what_was_forgotten_is_not_learned_again_but_may_be_stated(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "Ann lives in Ghent", &[]).await;
    forgotten(&workspace, &[RecalledId::Memory(id)]).await;
    let learned = StatementChange::Add(statement("Ann lives in Ghent", &[]));
    let outcome = change(&workspace, learned).await;
    assert_eq!(outcome, ChangeOutcome::Refused(Refusal::Forgotten));
    let by_hand = NewStatement {
        trust: Trust::DirectUser,
        learned_by: None,
        source: "api".to_owned(),
        ..statement("Ann lives in Ghent", &[])
    };
    let outcome = change(&workspace, StatementChange::Add(by_hand)).await;
    assert!(matches!(outcome, ChangeOutcome::Added(_)), "{outcome:?}");
}

pub(crate) async fn a_source_is_purged_whole_and_may_come_back(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "I live in Ghent", "noted").await;
    add(&workspace, "Ann lives in Ghent", &[]).await;
    let preview = workspace.purge_source_preview("learned", Some(&ann())).await.unwrap();
    let purged = workspace.purge_source("learned", Some(&ann()), at(9)).await.unwrap();
    assert_eq!((purged.episodes.len(), purged.statements.len()), (0, 1));
    assert_eq!(purged, preview);
    add(&workspace, "Ann lives in Ghent", &[]).await;
    let purged = workspace.purge_source("turn", None, at(9)).await.unwrap();
    assert_eq!((purged.episodes.len(), purged.statements.len()), (2, 0));
}

pub(crate) async fn a_deleted_thread_takes_what_was_learned_from_it_along(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    add(&workspace, "Ann lives in Ghent", &said[..1]).await;
    assert!(workspace.delete_thread(&thread_id("1"), at(9)).await.unwrap());
    assert!(believed(&workspace).await.is_empty());
}

pub(crate) async fn what_has_had_its_time_is_deleted_but_what_is_pinned(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    add(&workspace, "Ann lives in Ghent", &said[..1]).await;
    let ending = |text: &str, pinned| NewStatement {
        expires_at: Some(at(100)),
        pinned,
        ..statement(text, &[])
    };
    for statement in [ending("Ann is on holiday", false), ending("Ann is allergic to nuts", true)] {
        change(&workspace, StatementChange::Add(statement)).await;
    }
    let later = add(&workspace, "Ann's passport is in the drawer", &[]).await;
    for (expires_at, pinned) in [(Some(at(100)), false), (None, true)] {
        let revised = NewStatement {
            expires_at,
            pinned,
            ..statement("Ann's passport is in the drawer", &[])
        };
        let id = later.clone();
        let revise = StatementChange::Revise { id, expected_version: None, statement: revised };
        change(&workspace, revise).await;
    }
    assert_eq!(store.store().expire(at(99), 10).await.unwrap(), 0);
    assert_eq!(store.store().expire(at(100), 10).await.unwrap(), 1);
    let passport = "Ann's passport is in the drawer";
    let left = ["Ann lives in Ghent", "Ann is allergic to nuts", passport];
    assert_eq!(believed(&workspace).await, left, "pinned, and pinned since");

    let short = MemoryPolicy { episode_ttl_seconds: Some(50), ..MemoryPolicy::default() };
    let everyone = scope("planner", None);
    workspace.set_memory_policy(&everyone, short).await.unwrap();
    workspace.set_memory_policy(&ann(), MemoryPolicy::default()).await.unwrap();
    assert_eq!(store.store().expire(at(1_000), 10).await.unwrap(), 0, "her own policy keeps it");
    assert!(workspace.clear_memory_policy(&ann()).await.unwrap());
    assert_eq!(store.store().expire(at(51), 10).await.unwrap(), 0);
    assert_eq!(
        store.store().expire(at(52), 10).await.unwrap(),
        3,
        "two turns and what was learned"
    );
    assert_eq!(believed(&workspace).await, ["Ann is allergic to nuts", passport]);

    let short = MemoryPolicy { statement_ttl_seconds: Some(50), ..MemoryPolicy::default() };
    workspace.set_memory_policy(&ann(), short).await.unwrap();
    add(&workspace, "Ann has a dog", &[]).await;
    assert_eq!(store.store().expire(at(54), 10).await.unwrap(), 0);
    assert_eq!(store.store().expire(at(55), 10).await.unwrap(), 1);
    let never = MemoryPolicy { statement_ttl_seconds: Some(0), ..MemoryPolicy::default() };
    assert!(workspace.set_memory_policy(&ann(), never).await.is_err());
}
