//! Documents, their chunks and vectors.

use backstay_core::{
    ChunkId, DocumentId, ErrorCode, MessageId, Name,
    document::{DocumentOwner, DocumentScope, DocumentStatus},
};
use backstay_store::{
    ChunkVectors, Document, DocumentQuota, ERASE_JOB, Lease, NewChunk, NewDocument, PageRequest,
    READ_JOB, ReadDocument, Retry, Workspace,
};
use serde_json::{Map, json};

use crate::harness::{TestStore, at, passage, say, thread_id};

const QUOTA: DocumentQuota = DocumentQuota { documents: 10, bytes: 10_000 };

fn document_id(id: &str) -> DocumentId {
    DocumentId::parse(&format!("doc_{id}")).unwrap()
}

pub(crate) fn of_assistant(name: &str) -> DocumentOwner {
    DocumentOwner::Assistant { assistant: Name::parse(name).unwrap() }
}

fn of_thread(id: &str) -> DocumentOwner {
    DocumentOwner::Thread { thread: thread_id(id) }
}

fn of_message(thread: &str) -> DocumentOwner {
    let message = MessageId::parse("msg_of-document").unwrap();
    DocumentOwner::Message { thread: thread_id(thread), message }
}

/// Different content for each id, unless told.
fn new(id: &str, owner: DocumentOwner) -> NewDocument {
    let mut content_hash = [0; 32];
    content_hash[..id.len()].copy_from_slice(id.as_bytes());
    NewDocument {
        id: document_id(id),
        owner,
        filename: format!("{id}.md"),
        media_type: "text/markdown".to_owned(),
        size: 100,
        content_hash,
        metadata: Map::from_iter([("tag".to_owned(), json!(7))]),
    }
}

pub(crate) async fn add(workspace: &Workspace, id: &str, owner: DocumentOwner) -> Document {
    workspace.expect_document(&document_id(id), at(1)).await.unwrap();
    let added = workspace.add_document(new(id, owner), QUOTA, at(1)).await.unwrap();
    assert!(!added.is_known);
    added.document
}

fn chunk(number: u32, text: &str) -> NewChunk {
    NewChunk {
        number,
        headings: vec!["Terms".to_owned()],
        text: text.to_owned(),
        source: json!({"unit": "lines", "first": number, "last": number}),
        place: format!("line {number}"),
        tokens: 3,
    }
}

async fn lease(store: &TestStore, kind: &str) -> Vec<Lease> {
    store.store().lease_jobs(kind, 10, at(100), at(5)).await.unwrap()
}

/// Reads the one document that waits for it.
pub(crate) async fn read(store: &TestStore, texts: &[&str], awaits_vectors: bool) -> DocumentId {
    let lease = lease(store, READ_JOB).await.remove(0);
    let workspace = store.store().workspace(&lease.workspace);
    let id = DocumentId::parse(&lease.key).unwrap();
    workspace.begin_document(&lease, &id, at(6)).await.unwrap().unwrap();
    let chunks = (0..).zip(texts).map(|(number, text)| chunk(number, text)).collect();
    workspace.add_chunks(&lease, &id, chunks).await.unwrap();
    let read = ReadDocument {
        format: "Markdown file".to_owned(),
        chunks: texts.len() as u32,
        tokens: 9,
        ..ReadDocument::default()
    };
    workspace.finish_document(&lease, &id, read, awaits_vectors, at(7)).await.unwrap();
    id
}

async fn searchable(workspace: &Workspace, assistant: &str, thread: &str) -> Vec<DocumentId> {
    let scope = DocumentScope {
        assistant: Name::parse(assistant),
        thread: (!thread.is_empty()).then(|| thread_id(thread)),
    };
    let found = workspace.searchable_documents(&scope).await.unwrap();
    found.into_iter().map(|document| document.id).collect()
}

pub(crate) async fn a_document_is_read_step_by_step_and_found_at_the_end(store: &TestStore) {
    let workspace = store.a();
    let added = add(&workspace, "1", of_assistant("planner")).await;
    assert_eq!((added.status, added.chunks), (DocumentStatus::Pending, 0));
    assert!(lease(store, ERASE_JOB).await.is_empty(), "its bytes are wanted now");
    let lease = lease(store, READ_JOB).await.remove(0);
    let id = added.id.clone();
    let begun = workspace.begin_document(&lease, &id, at(6)).await.unwrap().unwrap();
    assert_eq!((begun.status, begun.started_at), (DocumentStatus::Processing, Some(at(6))));
    workspace.document_progress(&lease, &id, (2, 9), at(6)).await.unwrap();
    let under_way = workspace.document(&id).await.unwrap().unwrap();
    assert_eq!((under_way.parts_read, under_way.parts), (2, Some(9)));
    workspace.add_chunks(&lease, &id, vec![chunk(0, "one"), chunk(1, "two")]).await.unwrap();
    assert!(searchable(&workspace, "planner", "").await.is_empty());

    let read = ReadDocument {
        format: "PDF".to_owned(),
        title: Some("Terms".to_owned()),
        summary: Some("Terms — What is agreed.".to_owned()),
        notes: vec!["cut".to_owned()],
        parts: Some(9),
        chunks: 2,
        tokens: 6,
    };
    workspace.finish_document(&lease, &id, read, false, at(7)).await.unwrap();
    let done = workspace.document(&id).await.unwrap().unwrap();
    assert_eq!((done.status, done.finished_at), (DocumentStatus::Indexed, Some(at(7))));
    assert_eq!((done.parts_read, done.chunks, done.tokens), (9, 2, 6));
    assert_eq!((done.format.as_deref(), done.notes.len()), (Some("PDF"), 1));
    assert_eq!(done.summary.as_deref(), Some("Terms — What is agreed."));
    assert_eq!(done.metadata["tag"], 7);
    assert_eq!(workspace.chunks(&id, 1, 10).await.unwrap(), [chunk(1, "two")]);
    let asked = vec![ChunkId::of(&id, 1), ChunkId::of(&id, 9), ChunkId::of(&document_id("x"), 0)];
    let named = workspace.chunks_named(asked.clone()).await.unwrap();
    assert_eq!(named, [(asked[0].clone(), chunk(1, "two"))]);
    assert!(searchable(&workspace, "planner", "").await.contains(&id));
}

pub(crate) async fn the_same_bytes_are_one_document_for_each_owner(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "hello", "hi").await;
    let first = add(&workspace, "1", of_assistant("planner")).await;
    let again = NewDocument { id: document_id("2"), ..new("1", of_assistant("planner")) };
    let known = workspace.add_document(again, QUOTA, at(2)).await.unwrap();
    assert_eq!((known.is_known, &known.document.id), (true, &first.id));
    let hash = new("1", of_assistant("planner")).content_hash;
    let found = workspace.document_of_bytes(&of_assistant("planner"), &hash).await.unwrap();
    assert_eq!(found.map(|document| document.id), Some(first.id.clone()));
    for (id, owner) in [("3", of_assistant("other")), ("4", of_thread("1")), ("5", of_message("1"))]
    {
        let other = NewDocument { id: document_id(id), ..new("1", owner) };
        assert!(!workspace.add_document(other, QUOTA, at(2)).await.unwrap().is_known, "{id}");
    }
}

pub(crate) async fn what_could_not_be_read_says_why_and_is_read_when_sent_again(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "1", of_assistant("planner")).await.id;
    let failed = lease(store, READ_JOB).await.remove(0);
    workspace.begin_document(&failed, &id, at(6)).await.unwrap();
    workspace.add_chunks(&failed, &id, vec![chunk(0, "half of it")]).await.unwrap();
    let why = ("document_encrypted", "This PDF is protected by a password.");
    workspace.fail_document(&failed, &id, why, at(7)).await.unwrap();
    let document = workspace.document(&id).await.unwrap().unwrap();
    let error = document.error.unwrap();
    assert_eq!((document.status, error.code.as_str()), (DocumentStatus::Error, why.0));
    assert_eq!(error.message, why.1);
    assert!(workspace.chunks(&id, 0, 10).await.unwrap().is_empty());
    assert!(lease(store, READ_JOB).await.is_empty());

    let again = workspace.add_document(new("1", of_assistant("planner")), QUOTA, at(4)).await;
    let again = again.unwrap();
    assert_eq!((again.is_known, again.document.status), (true, DocumentStatus::Pending));
    read(store, &["all of it"], false).await;
    let document = workspace.document(&id).await.unwrap().unwrap();
    assert_eq!((document.status, document.error), (DocumentStatus::Indexed, None));
}

pub(crate) async fn a_worker_that_was_overtaken_writes_nothing_more(store: &TestStore) {
    let workspace = store.a();
    let id = add(&workspace, "1", of_assistant("planner")).await.id;
    let slow = lease(store, READ_JOB).await.remove(0);
    workspace.begin_document(&slow, &id, at(6)).await.unwrap();
    workspace.add_chunks(&slow, &id, vec![chunk(0, "of the slow one")]).await.unwrap();
    let next = store.store().lease_jobs(READ_JOB, 1, at(300), at(200)).await.unwrap().remove(0);
    workspace.begin_document(&next, &id, at(201)).await.unwrap();
    let late = workspace.add_chunks(&slow, &id, vec![chunk(1, "late")]).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);
    let late = workspace.finish_document(&slow, &id, ReadDocument::default(), false, at(202)).await;
    assert_eq!(late.unwrap_err().code(), ErrorCode::Conflict);
    assert!(workspace.chunks(&id, 0, 10).await.unwrap().is_empty());

    // A document that is deleted takes its job along.
    assert!(workspace.delete_document(&id, at(203)).await.unwrap());
    let late = workspace.add_chunks(&next, &id, vec![chunk(0, "late")]).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict);
}

pub(crate) async fn a_document_is_indexed_when_its_last_chunk_has_a_vector(store: &TestStore) {
    let workspace = store.a();
    add(&workspace, "1", of_assistant("planner")).await;
    let id = read(store, &["one", "two"], true).await;
    let status = async || workspace.document(&id).await.unwrap().unwrap();
    assert_eq!((status().await.status, status().await.embedded), (DocumentStatus::Processing, 0));
    let wanted = store.store().next_unembedded_chunks("m", "1", 10).await.unwrap();
    assert_eq!(wanted.len(), 2);
    let mut texts: Vec<&str> = wanted.iter().map(|chunk| chunk.text.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "two"]);
    assert_eq!(wanted[0].headings, ["Terms"]);

    let vectors = |number, count| ChunkVectors {
        document: id.clone(),
        number,
        passages: vec![passage(&[0.5, 1.0]); count],
    };
    let gone = ChunkVectors { number: 99, ..vectors(0, 1) };
    let put = workspace.put_chunk_vectors("m", "1", vec![vectors(1, 2), gone], at(8));
    put.await.unwrap();
    assert_eq!((status().await.status, status().await.embedded), (DocumentStatus::Processing, 1));
    let scope = DocumentScope::default();
    let before = workspace.searchable_documents(&scope).await.unwrap();
    workspace.put_chunk_vectors("m", "1", vec![vectors(0, 1)], at(9)).await.unwrap();
    let after = workspace.searchable_documents(&scope).await.unwrap();
    assert!(after[0].version > before[0].version);
    assert_eq!((status().await.status, status().await.embedded), (DocumentStatus::Indexed, 2));
    let kept = workspace.chunk_vectors(&id, 1..2, "m", "1").await.unwrap();
    assert_eq!(kept, [(1, vectors(1, 2).passages)]);
    store.end_claims().await;
    assert!(store.store().next_unembedded_chunks("m", "1", 10).await.unwrap().is_empty());
    assert_eq!(store.store().next_unembedded_chunks("m", "2", 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_document_whose_vectors_cannot_be_made_is_found_by_its_words(
    store: &TestStore,
) {
    let workspace = store.a();
    add(&workspace, "1", of_assistant("planner")).await;
    let id = read(store, &["one"], true).await;
    assert_eq!(store.store().index_without_vectors(at(8)).await.unwrap(), 1);
    let document = workspace.document(&id).await.unwrap().unwrap();
    assert_eq!((document.status, document.embedded), (DocumentStatus::Indexed, 0));
    assert_eq!(store.store().next_unembedded_chunks("m", "1", 10).await.unwrap().len(), 1);
}

pub(crate) async fn a_deleted_document_is_in_no_file(store: &TestStore) {
    const SECRET: &str = "zanzibar-4711";
    let workspace = store.a();
    add(&workspace, "1", of_assistant("planner")).await;
    let text = format!("the safe opens with {SECRET}");
    let id = read(store, &[&text], true).await;
    let contains = |bytes: Vec<u8>| {
        bytes.windows(SECRET.len()).filter(|window| *window == SECRET.as_bytes()).count()
    };
    assert!(contains(store.all_bytes().await) > 0);
    assert!(workspace.delete_document(&id, at(5)).await.unwrap());
    assert!(!workspace.delete_document(&id, at(5)).await.unwrap());
    assert_eq!(contains(store.all_bytes().await), 0);
    assert!(store.store().chunk_vector_counts().await.unwrap().is_empty());
    let erase = lease(store, ERASE_JOB).await;
    assert_eq!(erase.iter().map(|lease| lease.key.as_str()).collect::<Vec<_>>(), [id.as_str()]);
}

pub(crate) async fn a_deleted_thread_takes_its_documents_along(store: &TestStore) {
    let workspace = store.a();
    for thread in ["1", "2"] {
        say(&workspace, thread, "hello", "hi").await;
    }
    let stays = add(&workspace, "1", of_assistant("planner")).await.id;
    let other = add(&workspace, "2", of_thread("2")).await.id;
    let gone = [
        add(&workspace, "3", of_thread("1")).await.id,
        add(&workspace, "4", of_message("1")).await.id,
    ];
    assert!(workspace.delete_thread(&thread_id("1"), at(4)).await.unwrap());
    let left = workspace.list_documents(None, PageRequest::default()).await.unwrap();
    let left: Vec<DocumentId> = left.items.into_iter().map(|document| document.id).collect();
    assert_eq!(left, [other, stays]);
    let mut erased: Vec<String> =
        lease(store, ERASE_JOB).await.into_iter().map(|lease| lease.key).collect();
    erased.sort();
    assert_eq!(erased, gone.map(|id| id.to_string()));
    let all = workspace.delete_documents_of(&of_assistant("planner"), at(5)).await.unwrap();
    assert_eq!(all.len(), 1);
}

pub(crate) async fn documents_are_found_where_their_owner_is(store: &TestStore) {
    let workspace = store.a();
    say(&workspace, "1", "hello", "hi").await;
    let owners = [of_assistant("planner"), of_thread("1"), of_message("1"), of_assistant("other")];
    let mut ids = Vec::new();
    for (number, owner) in (1..).zip(owners) {
        add(&workspace, &number.to_string(), owner).await;
        ids.push(read(store, &["text"], false).await);
    }
    assert_eq!(searchable(&workspace, "planner", "1").await, ids[..3]);
    assert_eq!(searchable(&workspace, "planner", "2").await, ids[..1]);
    assert_eq!(searchable(&workspace, "", "1").await, ids[1..3]);
    assert_eq!(searchable(&workspace, "", "").await, ids);
    assert!(searchable(&store.b(), "", "").await.is_empty());
    assert_eq!(store.b().document(&ids[0]).await.unwrap(), None);
    assert!(!store.b().delete_document(&ids[0], at(5)).await.unwrap());
    let request = PageRequest { limit: 3, cursor: None };
    let page = workspace.list_documents(None, request).await.unwrap();
    let rest = PageRequest { limit: 3, cursor: page.next };
    let rest = workspace.list_documents(None, rest).await.unwrap();
    let all = page.items.into_iter().chain(rest.items).map(|document| document.id);
    assert_eq!(all.collect::<Vec<_>>(), ids.iter().rev().cloned().collect::<Vec<_>>());
    let of_one = workspace.list_documents(Some(&of_thread("1")), PageRequest::default()).await;
    let of_one = of_one.unwrap().items;
    assert_eq!((of_one.len(), &of_one[0].id, &of_one[0].owner), (1, &ids[1], &of_thread("1")));
}

pub(crate) async fn a_workspace_has_no_more_documents_than_it_may(store: &TestStore) {
    let workspace = store.a();
    let quota = DocumentQuota { documents: 2, bytes: 250 };
    let refused = |new: NewDocument, quota| {
        let workspace = workspace.clone();
        async move { workspace.add_document(new, quota, at(1)).await.unwrap_err() }
    };
    add(&workspace, "1", of_assistant("planner")).await;
    let large = NewDocument { size: 151, ..new("2", of_assistant("planner")) };
    let error = refused(large, quota).await;
    assert_eq!(error.code(), ErrorCode::DocumentQuota);
    assert!(error.message().contains("250 bytes"), "{error}");
    add(&workspace, "2", of_assistant("planner")).await;
    let error = refused(new("3", of_assistant("planner")), quota).await;
    assert!(error.message().contains("2 documents"), "{error}");
    let error = refused(new("4", of_thread("nowhere")), QUOTA).await;
    assert_eq!(error.code(), ErrorCode::NotFound);
    let added = store.b().add_document(new("3", of_assistant("planner")), quota, at(1)).await;
    assert!(!added.unwrap().is_known);
}

pub(crate) async fn bytes_that_came_to_nothing_are_deleted_a_day_later(store: &TestStore) {
    const DAY: i64 = 86_400;
    let workspace = store.a();
    workspace.expect_document(&document_id("lost"), at(1)).await.unwrap();
    assert!(lease(store, ERASE_JOB).await.is_empty());
    let due = async |second| {
        store.store().lease_jobs(ERASE_JOB, 10, at(DAY + 99), at(second)).await.unwrap()
    };
    assert!(due(DAY).await.is_empty());
    let leases = due(DAY + 2).await;
    assert_eq!(leases.len(), 1);
    let retry = Retry::BackOff { attempts_max: 9 };
    workspace.fail_job(&leases[0], "the disk is away", retry, at(DAY + 3)).await.unwrap();
}
