//! What was said a moment ago, asked for in other words before the background made its vector.

use std::path::PathBuf;

use backstay_memory::{Embedder, Embeddings, RecallMode, RecallOptions, weights};

use crate::world::{World, moment, scope, texts, workspace};

const TOLD: &str = "My parrot is called Rex and he is four.";
const ASKED: &str = "How old is my bird?";

/// `None` where the model is not installed, as `make models` does; then there is nothing to test.
async fn world() -> Option<World> {
    let folder = std::env::var_os("BACKSTAY_TEST_MODELS").map(PathBuf::from);
    let folder = folder.filter(|folder| weights::is_installed(folder))?;
    Some(World::new(Embeddings::Builtin(Embedder::load(&folder).unwrap())).await)
}

#[tokio::test]
async fn it_is_found_by_its_meaning_in_the_very_next_question() {
    let Some(world) = world().await else { return };
    let me = scope("helper", None);
    let elsewhere = ["The rent is due on Monday.", "I will remind you."];
    world.tell("a", &me, "t", &elsewhere).await;
    while world.memory.embed_pending(10).await.unwrap() > 0 {}
    world.tell("a", &me, "u", &[TOLD, "Noted."]).await;
    let recall = world.recall("a", &me, ASKED).await;
    assert_eq!((texts(&recall)[0], recall.mode), (TOLD, RecallMode::WordsVectorsAndTokens));
    assert_eq!(
        world.memory.embeddings_status().await.unwrap().pending,
        2,
        "the store's come later"
    );
    while world.memory.embed_pending(10).await.unwrap() > 0 {}
    assert_eq!(texts(&world.recall("a", &me, ASKED).await)[0], TOLD);
}

#[tokio::test]
async fn what_the_prompt_shows_is_not_waited_for() {
    let Some(world) = world().await else { return };
    let me = scope("helper", None);
    let ids = world.tell("a", &me, "t", &[TOLD, "Noted."]).await;
    let store = world.store.workspace(&workspace("a"));
    let thread = store.episode(&ids[0]).await.unwrap().unwrap().episode.thread;
    let options = RecallOptions { exclude: Some((thread, 0)), ..RecallOptions::at(moment()) };
    let recall = world.recall_with("a", &me, ASKED, options).await;
    assert_eq!((recall.items.len(), recall.mode), (0, RecallMode::Words));
}
