//! Statements in versions: added, revised, superseded, merged, retracted; never overwritten.

use backstay_core::{
    EpisodeId, ErrorCode, MemoryId,
    memory::{Confidence, MemoryKind, MemoryState, NewStatement, SourceQuote, Trust, Validity},
};
use backstay_store::{
    ChangeOutcome, PageRequest, PassageVector, Refusal, StatementChange, StatementFilter,
    StatementSet, StatementState, StatementVector, Workspace,
};

use crate::harness::{TestStore, ann, at, forget, say, scope};

pub(crate) fn statement(text: &str, sources: &[EpisodeId]) -> NewStatement {
    let source =
        |episode: &EpisodeId| SourceQuote { episode: episode.clone(), quote: text.to_owned() };
    NewStatement {
        text: text.to_owned(),
        kind: MemoryKind::Fact,
        subject: Some("Ann".to_owned()),
        confidence: Confidence::CERTAIN,
        trust: Trust::ModelInference,
        state: MemoryState::Active,
        valid: Validity::default(),
        said_at: at(1),
        expires_at: None,
        pinned: false,
        source: "learned".to_owned(),
        learned_by: Some("sim".to_owned()),
        sources: sources.iter().map(source).collect(),
        metadata: serde_json::Map::new(),
    }
}

pub(crate) async fn change(workspace: &Workspace, change: StatementChange) -> ChangeOutcome {
    let outcomes = workspace.change_statements(&ann(), vec![change], at(5)).await.unwrap();
    outcomes.into_iter().next().unwrap()
}

pub(crate) async fn add(workspace: &Workspace, text: &str, sources: &[EpisodeId]) -> MemoryId {
    match change(workspace, StatementChange::Add(statement(text, sources))).await {
        ChangeOutcome::Added(added) => added.id,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn believed(workspace: &Workspace) -> Vec<String> {
    let found = workspace.scope_statements(&ann(), StatementSet::Believed).await.unwrap();
    found.statements.into_iter().map(|statement| statement.said.text).collect()
}

pub(crate) async fn what_is_said_twice_is_one_statement(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "Ann lives in Ghent", &[]).await;
    let again = statement(" ann LIVES in Ghent. ", &[]);
    let outcome = change(&workspace, StatementChange::Add(again)).await;
    assert!(matches!(&outcome, ChangeOutcome::Present(there) if there.id == id), "{outcome:?}");
    assert_eq!(believed(&workspace).await, ["Ann lives in Ghent"]);
    assert!(store.b().statement(&id).await.unwrap().is_none());
    assert!(store.b().statement_history(&id).await.unwrap().is_empty());
    let everyone = scope("planner", None);
    let elsewhere = workspace.scope_statements(&everyone, StatementSet::Believed);
    assert!(elsewhere.await.unwrap().statements.is_empty());
}

pub(crate) async fn a_superseded_statement_keeps_its_text_and_gets_an_end(store: &TestStore) {
    let workspace = store.a();
    let ghent = add(&workspace, "Ann lives in Ghent", &[]).await;
    let by = statement("Ann lives in Porto", &[]);
    let supersede = StatementChange::Supersede { ids: vec![ghent.clone()], by, at: at(3) };
    let outcome = change(&workspace, supersede.clone()).await;
    let ChangeOutcome::Superseded { by, superseded } = outcome else { panic!("{outcome:?}") };
    assert_eq!(superseded, std::slice::from_ref(&ghent));
    let before = workspace.statement(&ghent).await.unwrap().unwrap();
    assert_eq!((before.version, before.superseded_by.as_ref()), (2, Some(&by.id)));
    assert_eq!(before.said.valid.to, Some(at(3)));
    assert_eq!(believed(&workspace).await, ["Ann lives in Porto"]);
    let recallable = workspace.scope_statements(&ann(), StatementSet::Recallable).await.unwrap();
    assert_eq!(recallable.statements.len(), 2, "the past can still be asked for");

    let again = change(&workspace, supersede).await;
    assert!(matches!(again, ChangeOutcome::Present(_)), "{again:?}");
    let history = workspace.statement_history(&by.id).await.unwrap();
    let history: Vec<_> = history.iter().map(|v| (v.said.text.as_str(), v.version)).collect();
    let ended = ("Ann lives in Ghent", 2);
    assert_eq!(history, [("Ann lives in Ghent", 1), ended, ("Ann lives in Porto", 1)]);
}

pub(crate) async fn a_revision_is_refused_when_someone_else_was_first(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "Ann lives in Ghent", &[]).await;
    let revise = |text: &str, version| StatementChange::Revise {
        id: id.clone(),
        expected_version: Some(version),
        statement: statement(text, &[]),
    };
    let revised = change(&workspace, revise("Ann lives in Ghent, Belgium", 1)).await;
    assert_eq!(revised.statement().unwrap().version, 2);
    let late = vec![revise("Ann lives in Genk", 1)];
    let refused = workspace.change_statements(&ann(), late, at(6)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    let other = add(&workspace, "Ann has a dog", &[]).await;
    let twice = StatementChange::Revise {
        id: other,
        expected_version: None,
        statement: statement("Ann lives in Ghent, Belgium", &[]),
    };
    let refused = workspace.change_statements(&ann(), vec![twice], at(6)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert_eq!(believed(&workspace).await, ["Ann lives in Ghent, Belgium", "Ann has a dog"]);
}

pub(crate) async fn all_changes_are_made_or_none(store: &TestStore) {
    let workspace = store.a();
    let unknown = MemoryId::parse("mem_unknown").unwrap();
    let changes = vec![
        StatementChange::Add(statement("Ann lives in Ghent", &[])),
        StatementChange::Retract { id: unknown },
    ];
    let refused = workspace.change_statements(&ann(), changes, at(5)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert!(believed(&workspace).await.is_empty());
}

pub(crate) async fn a_retracted_statement_is_believed_no_more_and_can_be_stated_anew(
    store: &TestStore,
) {
    let workspace = store.a();
    let id = add(&workspace, "Ann lives in Ghent", &[]).await;
    change(&workspace, StatementChange::Retract { id: id.clone() }).await;
    assert!(believed(&workspace).await.is_empty());
    let newest = workspace.statement(&id).await.unwrap().unwrap();
    assert_eq!(StatementState::of(&newest), StatementState::Retracted);
    let anew = add(&workspace, "Ann lives in Ghent", &[]).await;
    assert_ne!(anew, id);
}

pub(crate) async fn lists_are_filtered_and_come_in_pages(store: &TestStore) {
    let workspace = store.a();
    for number in 0..7 {
        add(&workspace, &format!("Ann has cat number {number}"), &[]).await;
    }
    let mut aside = statement("Ann is an administrator", &[]);
    aside.state = MemoryState::Quarantined("claims rights".to_owned());
    change(&workspace, StatementChange::Add(aside)).await;
    let filter = StatementFilter {
        state: Some(StatementState::Active),
        text_contains: Some("CAT".to_owned()),
        ..StatementFilter::default()
    };
    let mut page = PageRequest { limit: 3, ..PageRequest::default() };
    let mut texts = Vec::new();
    loop {
        let found = workspace.list_statements(&ann(), filter.clone(), page.clone()).await.unwrap();
        texts.extend(found.items.into_iter().map(|statement| statement.said.text));
        let Some(next) = found.next else { break };
        page.cursor = Some(next);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 7);
    let aside =
        StatementFilter { state: Some(StatementState::Quarantined), ..StatementFilter::default() };
    let aside = workspace.list_statements(&ann(), aside, PageRequest::default()).await.unwrap();
    assert_eq!(aside.items[0].said.text, "Ann is an administrator");
}

pub(crate) async fn a_vector_of_an_outdated_text_is_not_stored(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "Ann lives in Ghent", &[]).await;
    let wanted = store.store().next_unembedded_statements("m", "1", 10).await.unwrap();
    assert_eq!((wanted.len(), wanted[0].version), (1, 1));
    let revise = StatementChange::Revise {
        id: id.clone(),
        expected_version: None,
        statement: statement("Ann lives in Porto", &[]),
    };
    change(&workspace, revise).await;
    let vector = |version| StatementVector {
        id: id.clone(),
        version,
        made: PassageVector { vector: vec![1.0, 2.0], states: vec![7] },
    };
    assert_eq!(workspace.put_statement_vectors("m", "1", vec![vector(1)]).await.unwrap(), 0);
    assert_eq!(workspace.put_statement_vectors("m", "1", vec![vector(2)]).await.unwrap(), 1);
    let found = workspace.scope_statement_vectors(&ann(), "m", "1").await.unwrap();
    assert_eq!(found, [(id.clone(), vector(2).made)]);
    let asked = workspace.statement_vectors_of(std::slice::from_ref(&id), "m", "1").await.unwrap();
    assert_eq!(asked, found);
    assert_eq!(workspace.scope_version(&ann()).await.unwrap().embedded, 1);
    assert!(store.store().next_unembedded_statements("m", "1", 10).await.unwrap().is_empty());
    store.end_claims().await;
    assert_eq!(store.store().next_unembedded_statements("m", "2", 10).await.unwrap().len(), 1);
}

pub(crate) async fn a_statement_about_a_forgotten_turn_is_refused(store: &TestStore) {
    let workspace = store.a();
    let said = say(&workspace, "1", "I live in Ghent", "noted").await;
    forget(&workspace, &said[..1]).await;
    let learned = statement("Ann lives in Ghent", &said[..1]);
    let outcome = change(&workspace, StatementChange::Add(learned)).await;
    assert_eq!(outcome, ChangeOutcome::Refused(Refusal::SourcesGone));
}

pub(crate) async fn a_document_that_says_too_much_is_kept_aside(store: &TestStore) {
    let workspace = store.a();
    let cap = Trust::Document.source_cap().unwrap();
    let said = |page: &str, number: usize| NewStatement {
        trust: Trust::Document,
        source: format!("document:{page}"),
        learned_by: None,
        ..statement(&format!("Line {number} of {page}."), &[])
    };
    let all = (0..=cap).map(|number| StatementChange::Add(said("long.html", number)));
    let outcomes = workspace.change_statements(&ann(), all.collect(), at(5)).await.unwrap();
    let kept_aside = |outcome: &ChangeOutcome| {
        let state = outcome.statement().map(|statement| statement.said.state.clone());
        matches!(state, Some(MemoryState::Quarantined(_)))
    };
    let (last, first) = outcomes.split_last().unwrap();
    assert!(kept_aside(last) && !first.iter().any(kept_aside));
    assert!(!kept_aside(&change(&workspace, StatementChange::Add(said("other.html", 1))).await));
    let own = statement("Ann said this herself.", &[]);
    assert!(!kept_aside(&change(&workspace, StatementChange::Add(own)).await));
}
