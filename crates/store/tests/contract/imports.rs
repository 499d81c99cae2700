//! Conversations from elsewhere.

use backstay_core::{ErrorCode, memory::Speaker};
use backstay_store::{ImportedThread, ImportedTurn};

use crate::harness::{TestStore, ann, at, texts};

fn conversation(texts: &[&str]) -> ImportedThread {
    let turns = texts.iter().enumerate().map(|(index, text)| ImportedTurn {
        speaker: if index % 2 == 0 { Speaker::User } else { Speaker::Assistant },
        author: if index % 2 == 0 { "Ann" } else { "planner" }.to_owned(),
        text: (*text).to_owned(),
        said_at: at(0),
    });
    ImportedThread {
        scope: ann(),
        source: "plain".to_owned(),
        external_id: None,
        title: Some("Moving".to_owned()),
        turns: turns.collect(),
        imported_at: at(50),
    }
}

pub(crate) async fn importing_a_conversation_again_adds_nothing(store: &TestStore) {
    let workspace = store.a();
    let said = ["I live in Ghent", "noted", " ", "anything else?"];
    let first = workspace.import_conversation(conversation(&said)).await.unwrap();
    assert_eq!((first.episodes.len(), first.present, first.blank), (3, 0, 1));
    let version = workspace.scope_version(&ann()).await.unwrap();

    let again = workspace.import_conversation(conversation(&said)).await.unwrap();
    assert_eq!((again.episodes.len(), again.present, again.blank), (0, 3, 1));
    assert_eq!(again.thread, first.thread);
    assert_eq!(workspace.scope_version(&ann()).await.unwrap(), version);
    assert_eq!(workspace.thread(&first.thread).await.unwrap().unwrap().message_count, 3);
    let episode = workspace.episode(&first.episodes[0].id).await.unwrap().unwrap();
    assert_eq!((episode.source.as_str(), episode.recorded_at), ("plain", at(50)));
    assert_eq!(episode.episode, first.episodes[0]);
}

pub(crate) async fn a_conversation_that_has_grown_adds_only_its_new_turns(store: &TestStore) {
    let workspace = store.a();
    workspace.import_conversation(conversation(&["a", "b"])).await.unwrap();
    let grown = workspace.import_conversation(conversation(&["a", "b", "c"])).await.unwrap();
    assert_eq!((grown.episodes.len(), grown.present), (1, 2));
    assert_eq!(grown.episodes[0].position, 2);
    assert_eq!(texts(&workspace, &ann()).await, ["a", "b", "c"]);
}

pub(crate) async fn equal_turns_of_one_conversation_are_all_kept(store: &TestStore) {
    let workspace = store.a();
    let said = ["yes", "good", "yes", "good"];
    workspace.import_conversation(conversation(&said)).await.unwrap();
    assert_eq!(texts(&workspace, &ann()).await, said);
    let again = workspace.import_conversation(conversation(&said)).await.unwrap();
    assert_eq!(again.present, 4);
}

pub(crate) async fn an_import_without_turns_is_refused(store: &TestStore) {
    let refused = store.a().import_conversation(conversation(&[])).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
}
