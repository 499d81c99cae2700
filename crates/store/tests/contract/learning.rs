//! Jobs and learning: done once, whoever fails on the way.

use backstay_core::{EpisodeId, ErrorCode, memory::RecalledId};
use backstay_store::{
    JobState, LEARN_JOB, LearnWhen, LearningResult, Lease, PageRequest, Retry, StatementChange,
    Workspace,
};

use crate::{
    harness::{TestStore, ann, at, intent, kept_mut, say, thread_id, turn},
    statements::{believed, statement},
};

async fn lease(store: &TestStore, now: i64) -> Vec<Lease> {
    store.store().lease_jobs(LEARN_JOB, 10, at(now + 60), at(now)).await.unwrap()
}

/// A turn after which the thread is to be learned from when it falls silent for 100 seconds, or at
/// once after four new turns; its episodes.
async fn say_and_learn(workspace: &Workspace, number: &str, idle_at: i64) -> Vec<EpisodeId> {
    workspace.begin_generation(intent(number)).await.unwrap();
    let mut record = turn(number, "1", "I live in Ghent", "noted");
    kept_mut(&mut record).learn = Some(LearnWhen { new_turns: 4, idle_at: at(idle_at) });
    let stored = workspace.complete_turn(record).await.unwrap();
    stored.episodes.into_iter().map(|episode| episode.id).collect()
}

fn learned(up_to: u32, texts: &[&str], sources: &[EpisodeId]) -> LearningResult {
    let add = |text: &&str| StatementChange::Add(statement(text, sources));
    LearningResult {
        scope: ann(),
        thread: thread_id("1"),
        up_to,
        changes: texts.iter().map(add).collect(),
        summary: Some(("Ann says where she lives.".to_owned(), "sim".to_owned())),
    }
}

pub(crate) async fn a_thread_is_learned_from_when_it_is_silent_or_long(store: &TestStore) {
    let workspace = store.a();
    say_and_learn(&workspace, "1", 100).await;
    assert!(lease(store, 99).await.is_empty());
    say_and_learn(&workspace, "2", 150).await;
    assert_eq!(lease(store, 50).await.len(), 1, "four turns are new");
}

pub(crate) async fn what_is_learned_is_written_with_how_far_and_the_job(store: &TestStore) {
    let workspace = store.a();
    let said = say_and_learn(&workspace, "1", 100).await;
    let taken = lease(store, 100).await.remove(0);
    let input = workspace.learning_input(&thread_id("1"), 10).await.unwrap().unwrap();
    assert_eq!((input.episodes.len(), input.summary.as_str()), (2, ""));
    say_and_learn(&workspace, "2", 200).await;
    let result = learned(2, &["Ann lives in Ghent"], &said[..1]);
    let outcomes = workspace.finish_learning(&taken, result.clone(), at(101)).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(believed(&workspace).await, ["Ann lives in Ghent"]);
    let late = workspace.finish_learning(&taken, result, at(102)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict, "a lease ends once");

    let again = lease(store, 102).await;
    assert_eq!(again.len(), 1, "there are turns left");
    let input = workspace.learning_input(&thread_id("1"), 10).await.unwrap().unwrap();
    let positions: Vec<u32> = input.episodes.iter().map(|e| e.episode.position).collect();
    assert_eq!(positions, [2, 3]);
    assert_eq!(input.summary, "Ann says where she lives.");
    workspace.finish_learning(&again[0], learned(4, &[], &[]), at(103)).await.unwrap();
    assert_eq!(workspace.learning_backlog().await.unwrap().pending, 0);
    assert!(lease(store, 9_999).await.is_empty());
}

pub(crate) async fn a_summary_goes_with_any_turn_of_its_thread_and_is_written_anew(
    store: &TestStore,
) {
    let workspace = store.a();
    let said = say_and_learn(&workspace, "1", 100).await;
    let taken = lease(store, 100).await.remove(0);
    let result = learned(2, &["Ann lives in Ghent"], &said[..1]);
    workspace.finish_learning(&taken, result, at(101)).await.unwrap();
    let id = thread_id("1");
    assert!(workspace.thread_summary(&id).await.unwrap().is_some());

    let answer = RecalledId::Episode(said[1].clone());
    let gone = workspace.forget(&[answer], at(102)).await.unwrap();
    assert_eq!((gone.summaries, gone.statements.len()), (1, 0));
    assert_eq!(workspace.thread_summary(&id).await.unwrap(), None);
    let again = lease(store, 102).await;
    assert_eq!(again.len(), 1, "the thread is learned from anew");
    let input = workspace.learning_input(&id, 10).await.unwrap().unwrap();
    assert_eq!((input.episodes.len(), input.summary.as_str()), (1, ""));
}

pub(crate) async fn a_lease_that_ran_out_is_another_workers(store: &TestStore) {
    let workspace = store.a();
    let said = say_and_learn(&workspace, "1", 100).await;
    let slow = lease(store, 100).await.remove(0);
    assert!(lease(store, 159).await.is_empty());
    let quick = lease(store, 161).await.remove(0);
    assert!(quick.fence > slow.fence);
    let result = learned(2, &["Ann lives in Ghent"], &said[..1]);
    let late = workspace.finish_learning(&slow, result.clone(), at(162)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);
    assert!(believed(&workspace).await.is_empty(), "nothing of it was written");
    workspace.finish_learning(&quick, result, at(163)).await.unwrap();
    assert_eq!(believed(&workspace).await.len(), 1);
}

pub(crate) async fn a_restart_takes_leases_back(store: &TestStore) {
    say_and_learn(&store.a(), "1", 100).await;
    lease(store, 100).await;
    store.reopen().await;
    assert_eq!(store.store().release_leases(at(101)).await.unwrap(), 1);
    assert_eq!(lease(store, 101).await.len(), 1);
}

pub(crate) async fn a_job_that_fails_waits_longer_each_time_and_then_is_dead(store: &TestStore) {
    let workspace = store.a();
    say_and_learn(&workspace, "1", 100).await;
    let retry = Retry::BackOff { attempts_max: 3 };
    let mut now = 100;
    for (pause, state) in [(30, JobState::Ready), (60, JobState::Ready), (0, JobState::Dead)] {
        let taken = lease(store, now).await.remove(0);
        assert_eq!(workspace.fail_job(&taken, "no", retry, at(now)).await.unwrap(), state);
        assert!(lease(store, now + pause - 1).await.is_empty());
        now += pause;
    }
    assert!(lease(store, 99_999).await.is_empty());
    let dead = workspace.list_jobs(Some(JobState::Dead), PageRequest::default()).await.unwrap();
    assert_eq!(dead.items[0].last_error.as_deref(), Some("no"));
    assert_eq!(workspace.learning_backlog().await.unwrap().failed, 1);
    assert!(!store.b().replay_job(&dead.items[0].id, at(now)).await.unwrap());
    assert!(workspace.replay_job(&dead.items[0].id, at(now)).await.unwrap());
    assert_eq!(lease(store, now).await.len(), 1);
}

pub(crate) async fn asking_again_for_work_under_way_has_it_done_once_more(store: &TestStore) {
    let workspace = store.a();
    let thread = thread_id("1");
    workspace.learn_thread(&thread, at(1)).await.unwrap();
    let opened = store.store();
    let take = || opened.lease_jobs(LEARN_JOB, 10, at(60), at(2));
    let taken = take().await.unwrap().remove(0);
    workspace.extend_lease(&taken, at(90)).await.unwrap();
    workspace.learn_thread(&thread, at(3)).await.unwrap();
    assert!(take().await.unwrap().is_empty());
    workspace.complete_job(&taken, at(2)).await.unwrap();
    let again = take().await.unwrap().remove(0);
    workspace.complete_job(&again, at(2)).await.unwrap();
    assert!(take().await.unwrap().is_empty());
    assert_eq!(workspace.learning_backlog().await.unwrap().pending, 0);
    let late = workspace.extend_lease(&taken, at(99)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);
}

pub(crate) async fn a_thread_deleted_meanwhile_takes_its_job_along(store: &TestStore) {
    let workspace = store.a();
    let said = say_and_learn(&workspace, "1", 100).await;
    say(&workspace, "2", "I have a dog", "noted").await;
    let taken = lease(store, 100).await.remove(0);
    workspace.delete_thread(&thread_id("1"), at(101)).await.unwrap();
    let result = learned(2, &["Ann lives in Ghent"], &said[..1]);
    let late = workspace.finish_learning(&taken, result, at(102)).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);
    assert!(believed(&workspace).await.is_empty());
    assert_eq!(workspace.learning_backlog().await.unwrap().pending, 0);
}
