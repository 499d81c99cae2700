//! Pages, and reading only what is new.

use backstay_core::Result;
use backstay_store::{Page, PageRequest};

use crate::harness::{TestStore, ann, intent, say, texts};

/// Reads a list to its end, three items at a time.
async fn read_all<T, F: Future<Output = Result<Page<T>>>>(
    list: impl Fn(PageRequest) -> F,
) -> Vec<T> {
    let mut all = Vec::new();
    let mut request = PageRequest { limit: 3, cursor: None };
    loop {
        let page = list(request).await.unwrap();
        assert!(page.items.len() <= 3);
        all.extend(page.items);
        let Some(next) = page.next else { return all };
        request = PageRequest { limit: 3, cursor: Some(next) };
    }
}

pub(crate) async fn pages_show_every_call_once_newest_first(store: &TestStore) {
    let workspace = store.a();
    for number in 0..7 {
        workspace.begin_generation(intent(&number.to_string())).await.unwrap();
    }
    let rows = read_all(|page| workspace.list_generations(page)).await;
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(ids, ["gen_6", "gen_5", "gen_4", "gen_3", "gen_2", "gen_1", "gen_0"]);
}

pub(crate) async fn pages_show_every_thread_once_by_last_use(store: &TestStore) {
    let workspace = store.a();
    for number in 0..7 {
        say(&workspace, &number.to_string(), "hello", "hello").await;
    }
    let threads = read_all(|page| workspace.list_threads(page)).await;
    let ids: Vec<String> = threads.iter().map(|thread| thread.id.to_string()).collect();
    assert_eq!(ids, ["thr_6", "thr_5", "thr_4", "thr_3", "thr_2", "thr_1", "thr_0"]);
}

pub(crate) async fn pages_show_every_episode_once_newest_first(store: &TestStore) {
    let workspace = store.a();
    for number in 0..4 {
        say(&workspace, "1", &format!("question {number}"), &format!("answer {number}")).await;
    }
    let scope = ann();
    let episodes = read_all(|page| workspace.list_episodes(&scope, page)).await;
    let mut shown: Vec<String> = episodes.into_iter().map(|stored| stored.episode.text).collect();
    assert_eq!(shown[0], "answer 3");
    shown.reverse();
    assert_eq!(shown, texts(&workspace, &ann()).await);
}

pub(crate) async fn a_cursor_that_was_not_given_out_is_refused(store: &TestStore) {
    let foreign = || PageRequest { limit: 3, cursor: Some("x".repeat(5_000)) };
    let refused = store.a().list_threads(foreign()).await.unwrap_err();
    assert_eq!(refused.parameter(), Some("cursor"));
    assert!(store.a().list_generations(foreign()).await.is_err());
    assert!(store.a().list_episodes(&ann(), foreign()).await.is_err());
}

pub(crate) async fn only_what_was_written_since_is_read_again(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "I live in Ghent", "noted").await;
    let first = workspace.scope_episodes(&ann(), 0, 100).await.unwrap();
    assert_eq!(first.version, workspace.scope_version(&ann()).await.unwrap());
    say(&workspace, "2", "I moved to Porto", "noted").await;
    assert_ne!(first.version, workspace.scope_version(&ann()).await.unwrap());
    let since = workspace.scope_episodes(&ann(), first.version.written, 100).await.unwrap();
    let said: Vec<&str> = since.episodes.iter().map(|episode| episode.text.as_str()).collect();
    assert_eq!(said, ["I moved to Porto", "noted"]);
    assert_eq!(since.version, workspace.scope_version(&ann()).await.unwrap());
    let mut by_three = Vec::new();
    let mut after = Some(0);
    while let Some(first) = after {
        let found = workspace.scope_episodes(&ann(), first, 3).await.unwrap();
        by_three.extend(found.episodes.into_iter().map(|episode| episode.text));
        after = found.next;
    }
    assert_eq!(by_three, ["I live in Ghent", "noted", "I moved to Porto", "noted"]);
}
