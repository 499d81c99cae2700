//! Runs that wait, what turns were learned from, and summaries of history.

use backstay_core::{ErrorCode, MemoryId, MemoryOperationId, RunId};
use backstay_store::{
    HistorySummary, LEARN_JOB, LearnWhen, LearningResult, NewTurn, OperationState, RunEnding,
    RunOutcome, RunState, StatementChange,
};
use serde_json::json;

use crate::{
    harness::{TestStore, ann, at, forget, intent, kept, kept_mut, say, thread_id, turn},
    statements::statement,
};

fn run(text: &str) -> RunId {
    RunId::parse(&format!("run_{text}")).unwrap()
}

async fn end(store: &TestStore, id: &str, waits: bool) {
    let mut record = turn(&format!("of-{id}-{waits}"), "1", "hello", "hi");
    let ending = match waits {
        true => RunEnding::Waits(json!({"model": "m"})),
        false => RunEnding::Completed,
    };
    kept_mut(&mut record).run = Some(RunOutcome { id: run(id), ending });
    store.a().begin_generation(intent(&format!("of-{id}-{waits}"))).await.unwrap();
    store.a().complete_turn(record).await.unwrap();
}

pub(crate) async fn a_waiting_run_is_taken_once_and_completed(store: &TestStore) {
    let a = store.a();
    end(store, "1", true).await;
    assert_eq!(a.waiting_run(&thread_id("1")).await.unwrap().map(|run| run.id), Some(run("1")));
    assert_eq!(store.b().waiting_run(&thread_id("1")).await.unwrap(), None);
    let foreign = store.b().claim_run(&run("1"), at(9), at(3)).await.unwrap_err();
    assert_eq!(foreign.code(), ErrorCode::NotFound);
    let claimed = a.claim_run(&run("1"), at(9), at(3)).await.unwrap();
    assert_eq!(claimed.asked, Some(json!({"model": "m"})));
    let second = a.claim_run(&run("1"), at(9), at(4)).await.unwrap_err();
    assert_eq!(second.code(), ErrorCode::Conflict);
    a.claim_run(&run("1"), at(20), at(9)).await.unwrap();
    end(store, "1", false).await;
    let over = a.claim_run(&run("1"), at(40), at(30)).await.unwrap_err();
    assert!(over.message().contains("completed"), "{over}");
    assert_eq!(a.run(&run("1")).await.unwrap().map(|run| run.asked), Some(None));
    assert!(!a.cancel_run(&run("1")).await.unwrap());
}

pub(crate) async fn a_run_that_was_released_waits_again(store: &TestStore) {
    let a = store.a();
    end(store, "1", true).await;
    a.claim_run(&run("1"), at(9), at(3)).await.unwrap();
    a.release_run(&run("1")).await.unwrap();
    a.claim_run(&run("1"), at(9), at(3)).await.unwrap();
    assert!(!store.b().cancel_run(&run("1")).await.unwrap());
    assert!(a.cancel_run(&run("1")).await.unwrap());
    let state = a.run(&run("1")).await.unwrap().map(|run| run.state);
    assert_eq!(state, Some(RunState::Cancelled));
}

pub(crate) async fn a_run_that_its_thread_went_on_without_waits_no_longer(store: &TestStore) {
    end(store, "1", true).await;
    end(store, "2", true).await;
    let a = store.a();
    assert_eq!(a.waiting_run(&thread_id("1")).await.unwrap().map(|run| run.id), Some(run("2")));
    let state = a.run(&run("1")).await.unwrap().map(|run| run.state);
    assert_eq!(state, Some(RunState::Cancelled));
}

pub(crate) async fn whoever_carries_a_run_out_hears_that_it_is_to_stop(store: &TestStore) {
    let a = store.a();
    say(&a, "1", "I live in Ghent", "noted").await;
    let state = async |id| a.run(&run(id)).await.unwrap().map(|run| run.state);
    a.ask_to_cancel(&run("1"), &thread_id("1"), at(3)).await.unwrap();
    assert!(store.b().take_cancelled(vec![run("1")]).await.unwrap().is_empty());
    assert_eq!(state("1").await, Some(RunState::Cancelling));
    assert_eq!(a.take_cancelled(vec![run("2"), run("1")]).await.unwrap(), [run("1")]);
    assert_eq!(state("1").await, Some(RunState::Cancelled));
    assert!(!a.nobody_cancels(&run("1")).await.unwrap());
    // An answer that came in the same moment does not make it go on.
    end(store, "1", false).await;
    assert_eq!(state("1").await, Some(RunState::Cancelled));
    a.ask_to_cancel(&run("3"), &thread_id("1"), at(4)).await.unwrap();
    assert!(a.nobody_cancels(&run("3")).await.unwrap());
    assert_eq!(state("3").await, None);
}

pub(crate) async fn an_operation_is_over_when_its_turn_was_learned_from(store: &TestStore) {
    let a = store.a();
    let id = MemoryOperationId::parse("mop_1").unwrap();
    let record = turn("1", "1", "I live in Ghent", "noted");
    let NewTurn { thread, episodes, .. } = kept(&record).clone();
    let said = episodes[0].id.clone();
    let learn = Some(LearnWhen { new_turns: 1, idle_at: at(9) });
    let operation = Some(id.clone());
    a.enter_turn(NewTurn { thread, episodes, learn, operation, run: None }, at(2)).await.unwrap();
    assert_eq!(store.b().memory_operation(&id).await.unwrap(), None);
    let state = async || a.memory_operation(&id).await.unwrap().unwrap().state;
    assert_eq!(state().await, OperationState::Pending);
    let lease = store.store().lease_jobs(LEARN_JOB, 1, at(99), at(3)).await.unwrap().remove(0);
    assert_eq!(state().await, OperationState::InProgress);
    let learned = statement("Ann lives in Ghent", &[said]);
    let result = LearningResult {
        scope: ann(),
        thread: thread_id("1"),
        up_to: 2,
        changes: vec![StatementChange::Add(learned)],
        summary: None,
    };
    a.finish_learning(&lease, result, at(4)).await.unwrap();
    let operation = a.memory_operation(&id).await.unwrap().unwrap();
    assert_eq!(operation.state, OperationState::Completed);
    let texts: Vec<_> = operation.changes.iter().map(|change| change.text.as_str()).collect();
    assert_eq!(texts, ["Ann lives in Ghent"]);
    assert!(operation.changes[0].id.as_str().starts_with(MemoryId::PREFIX));
}

pub(crate) async fn a_summary_of_history_goes_with_any_turn_of_its_thread(store: &TestStore) {
    let a = store.a();
    let said = say(&a, "1", "I live in Ghent", "noted").await;
    let thread = thread_id("1");
    let of = |up_to, text: &str| HistorySummary { up_to, text: text.to_owned() };
    a.put_history_summary(&thread, of(4, "more"), at(3)).await.unwrap();
    a.put_history_summary(&thread, of(2, "less"), at(4)).await.unwrap();
    assert_eq!(a.history_summary(&thread).await.unwrap(), Some(of(4, "more")));
    assert_eq!(store.b().history_summary(&thread).await.unwrap(), None);
    a.put_history_summary(&thread_id("none"), of(1, "x"), at(3)).await.unwrap();
    assert_eq!(a.history_summary(&thread_id("none")).await.unwrap(), None);
    forget(&a, &said[1..]).await;
    assert_eq!(a.history_summary(&thread).await.unwrap(), None);
}
