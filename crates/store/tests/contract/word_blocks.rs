//! Blocks of a large scope's words.

use backstay_core::EpisodeId;
use backstay_store::{BlockSpan, BlockTurns, BlockWords, NewBlock, Workspace};

use crate::harness::{TestStore, ann, forget, say};

const FIRST: BlockSpan = BlockSpan { first: 1, last: 4 };
const SECOND: BlockSpan = BlockSpan { first: 5, last: 6 };

fn block(span: BlockSpan, content: &[u8]) -> NewBlock {
    NewBlock {
        span,
        turns: content.to_vec(),
        words: vec![(0, content.to_vec()), (9, content.to_vec())],
        forgotten: 0,
    }
}

async fn put(workspace: &Workspace, block: NewBlock) -> bool {
    workspace.put_block(&ann(), "m", "1", block).await.unwrap()
}

async fn spans(workspace: &Workspace) -> Vec<BlockSpan> {
    workspace.block_spans(&ann(), "m", "1").await.unwrap()
}

/// Three turns with their answers, in two threads.
async fn talk(workspace: &Workspace) -> Vec<EpisodeId> {
    let mut said = Vec::new();
    for thread in ["1", "2", "1"] {
        said.extend(say(workspace, thread, "I live in Ghent", "noted").await);
    }
    said
}

pub(crate) async fn blocks_come_back_by_their_spans_and_their_words_by_parts(store: &TestStore) {
    let workspace = store.a();
    talk(&workspace).await;
    assert!(put(&workspace, block(SECOND, b"second")).await);
    assert!(put(&workspace, block(FIRST, b"first")).await);
    assert_eq!(spans(&workspace).await, [FIRST, SECOND]);
    assert!(workspace.block_spans(&ann(), "m", "2").await.unwrap().is_empty());
    assert!(spans(&store.b()).await.is_empty());
    let scope = ann();
    let turns = |after| workspace.block_turns(&scope, "m", "1", after, 5);
    let second = BlockTurns { span: SECOND, content: b"second".to_vec() };
    assert_eq!(turns(1).await.unwrap(), [second]);
    assert_eq!(turns(0).await.unwrap().len(), 2);
    let words = workspace.block_words(&ann(), &[9, 7]).await.unwrap();
    let word = |first, content: &[u8]| BlockWords { first, part: 9, content: content.to_vec() };
    assert_eq!(words, [word(1, b"first"), word(5, b"second")]);

    let both = BlockSpan { first: 1, last: 6 };
    assert!(put(&workspace, block(both, b"both")).await, "in the place of those");
    assert_eq!(spans(&workspace).await, [both]);
    assert_eq!(workspace.block_words(&ann(), &[9]).await.unwrap(), [word(1, b"both")]);
}

pub(crate) async fn a_block_goes_with_any_of_its_turns_and_none_is_made_of_what_is_forgotten(
    store: &TestStore,
) {
    let workspace = store.a();
    let said = talk(&workspace).await;
    put(&workspace, block(FIRST, b"the words of Ghent")).await;
    put(&workspace, block(SECOND, b"second")).await;
    forget(&workspace, &said[1..2]).await;
    assert_eq!(spans(&workspace).await, [SECOND]);
    let bytes = store.all_bytes().await;
    assert!(!bytes.windows(8).any(|some| some == b"of Ghent"), "its words are still there");
    assert!(!put(&workspace, block(FIRST, b"first")).await, "its turns were read before");
    assert!(put(&workspace, NewBlock { forgotten: 1, ..block(FIRST, b"first") }).await);
    assert_eq!(spans(&workspace).await, [FIRST, SECOND]);
}

pub(crate) async fn turns_are_read_by_their_sequence_with_those_beside_them(store: &TestStore) {
    let workspace = store.a();
    let said = talk(&workspace).await;
    let ids = |found: Vec<(u64, backstay_core::memory::Episode)>| {
        found.into_iter().map(|(sequence, episode)| (sequence, episode.id)).collect::<Vec<_>>()
    };
    let numbered: Vec<(u64, EpisodeId)> = (1..).zip(said.iter().cloned()).collect();
    let between = workspace.episodes_between(&ann(), SECOND).await.unwrap();
    assert_eq!(ids(between), numbered[4..6]);
    // The first thread's turns are the first two and the last two.
    let around = workspace.episodes_around(&ann(), &[2, 99]).await.unwrap();
    assert_eq!(ids(around), [&numbered[..2], &numbered[4..]].concat());
    assert!(store.b().episodes_around(&ann(), &[2]).await.unwrap().is_empty());
}
