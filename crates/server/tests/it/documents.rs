//! Documents as the engine has them: what a file becomes, who finds it, and what stays of it.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use anyhow::Result;
use backstay_core::{
    CallContext, ErrorCode, Name,
    chat::ToolCall,
    document::{DocumentOwner, DocumentScope, DocumentStatus, Passage},
};
use backstay_engine::{DocumentQuestion, DocumentUpload, Engine};
use backstay_store::{AddedDocument, Document, PageRequest};
use backstay_testing::TestServer;
use bytes::Bytes;
use serde_json::{Map, json};

const HANDBOOK: &str = "# Staff handbook\n\n## Leave\n\nEvery employee has thirty days of leave a year.\n\n\
                        ## Expenses\n\nTrain journeys are paid back within two weeks.\n";

fn assistant(name: &str) -> DocumentOwner {
    DocumentOwner::Assistant { assistant: Name::parse(name).unwrap() }
}

fn scope(name: &str) -> DocumentScope {
    DocumentScope { assistant: Name::parse(name), thread: None }
}

fn upload(name: &str, owner: DocumentOwner) -> DocumentUpload {
    DocumentUpload {
        owner,
        filename: name.to_owned(),
        media_type: None,
        metadata: Map::from_iter([("tag".to_owned(), json!("x"))]),
    }
}

/// In two pieces.
async fn add(
    server: &TestServer,
    name: &str,
    owner: DocumentOwner,
    bytes: &[u8],
) -> backstay_core::Result<AddedDocument> {
    let context = server.context().await.unwrap();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let pieces = [first, second].map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let stream = futures::stream::iter(pieces);
    server.engine().add_document(&context, upload(name, owner), stream).await
}

async fn settled(server: &TestServer, added: &AddedDocument) -> Result<Document> {
    let context = server.context().await?;
    let at_most = Duration::from_secs(60);
    Ok(server.engine().settled_document(&context, &added.document.id, at_most).await?)
}

async fn find(
    engine: &Engine,
    context: &CallContext,
    question: &str,
    scope: DocumentScope,
) -> Result<Vec<Passage>> {
    let question =
        DocumentQuestion { question: question.to_owned(), scope, ..DocumentQuestion::default() };
    Ok(engine.search_documents(context, question).await?)
}

#[tokio::test]
async fn a_file_is_read_and_its_passages_are_found_with_their_places() -> Result<()> {
    let server = TestServer::start().await?;
    let (engine, context) = (server.engine(), server.context().await?);
    let added = add(&server, "docs/handbook.md", assistant("hr"), HANDBOOK.as_bytes()).await?;
    assert!(!added.is_known);
    let document = settled(&server, &added).await?;
    assert_eq!((document.status, document.chunks), (DocumentStatus::Indexed, 2));
    assert_eq!((document.filename.as_str(), document.size), ("handbook.md", HANDBOOK.len() as u64));
    assert_eq!((document.format.as_deref(), document.error), (Some("Markdown file"), None));
    assert_eq!(document.metadata["tag"], "x");

    let found = find(engine, &context, "How many days of leave are there?", scope("hr")).await?;
    assert!(found[0].text.contains("thirty days"), "{found:?}");
    assert_eq!((found[0].place.as_str(), found[0].filename.as_str()), ("line 5", "handbook.md"));
    assert_eq!(found[0].headings, ["Staff handbook", "Leave"]);
    assert_eq!(found[0].source, json!({"unit": "lines", "first": 5, "last": 5}));
    assert!(found[0].score > 0.5 && found[0].why.contains("leave"), "{found:?}");
    assert!(find(engine, &context, "leave", scope("another")).await?.is_empty());

    let (_, mut bytes) = engine.document_content(&context, &document.id).await?;
    let mut whole = Vec::new();
    while let Some(piece) = futures::StreamExt::next(&mut bytes).await {
        whole.extend(piece?);
    }
    assert_eq!(whole, HANDBOOK.as_bytes());
    server.stop().await
}

#[tokio::test]
async fn a_deleted_document_leaves_nothing_behind() -> Result<()> {
    let server = TestServer::start().await?;
    let (engine, context) = (server.engine(), server.context().await?);
    let added = add(&server, "handbook.md", assistant("hr"), HANDBOOK.as_bytes()).await?;
    settled(&server, &added).await?;
    let id = &added.document.id;
    let file = server.data().join("documents/ws_default").join(id.as_str());
    assert_eq!(std::fs::read(&file)?, HANDBOOK.as_bytes());
    assert_eq!(find(engine, &context, "leave", scope("hr")).await?.len(), 1);

    assert_eq!(engine.delete_document(&context, id).await?.filename, "handbook.md");
    assert!(!file.exists());
    assert!(find(engine, &context, "leave", scope("hr")).await?.is_empty());
    for outcome in [
        engine.document(&context, id).await.map(|_| ()),
        engine.delete_document(&context, id).await.map(|_| ()),
        engine.document_content(&context, id).await.map(|_| ()),
    ] {
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::NotFound);
    }
    server.stop().await
}

#[tokio::test]
async fn the_same_bytes_are_read_once_for_each_owner() -> Result<()> {
    let server = TestServer::start().await?;
    let context = server.context().await?;
    let first = add(&server, "a.md", assistant("hr"), HANDBOOK.as_bytes()).await?;
    let again = add(&server, "b.md", assistant("hr"), HANDBOOK.as_bytes()).await?;
    assert_eq!((again.is_known, &again.document.id), (true, &first.document.id));
    settled(&server, &first).await?;
    let (from, to) = (assistant("hr"), assistant("it"));
    assert_eq!(server.engine().copy_documents(&context, &from, &to).await?, 1);
    let listed =
        server.engine().list_documents(&context, Some(&to), PageRequest::default()).await?;
    assert_eq!((listed.items.len(), listed.items[0].filename.as_str()), (1, "a.md"));
    let kept = std::fs::read_dir(server.data().join("documents/ws_default"))?.count();
    assert_eq!(kept, 2, "one file for each owner");
    assert_eq!(std::fs::read_dir(server.data().join("documents/incoming"))?.count(), 0);
    server.stop().await
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why() -> Result<()> {
    let server = TestServer::start().await?;
    for (name, bytes, code, says) in [
        ("empty.md", &b""[..], "document_without_text", "empty"),
        ("blank.txt", b"   \n\n  ", "document_without_text", "no text"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n0000", "document_type_mismatch", "PNG"),
        ("report.docx", b"just words", "document_type_mismatch", "text"),
        ("broken.pdf", b"%PDF-1.7\n%%EOF", "document_damaged", "damaged"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", "document_type_unsupported", "JPEG"),
    ] {
        let added = add(&server, name, assistant("hr"), bytes).await?;
        let document = settled(&server, &added).await?;
        let error = document.error.unwrap();
        assert_eq!((document.status, error.code.as_str()), (DocumentStatus::Error, code), "{name}");
        assert!(error.message.contains(says), "{name}: {}", error.message);
    }
    server.stop().await
}

#[tokio::test]
async fn what_is_too_much_is_refused_and_leaves_nothing_behind() -> Result<()> {
    let limits = "[documents]\nfile_bytes_max = 100\nworkspace_documents_max = 1";
    let server = TestServer::builder().config(limits).start().await?;
    let refused = add(&server, "a.txt", assistant("hr"), &[b'a'; 101]).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BodyTooLarge);
    assert!(refused.message().contains("100 bytes"), "{refused}");
    add(&server, "b.txt", assistant("hr"), &[b'b'; 100]).await?;
    let refused = add(&server, "c.txt", assistant("hr"), b"c").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DocumentQuota);
    for name in ["", "  ", "a/", "new\nline.txt"] {
        let refused = add(&server, name, assistant("hr"), b"c").await.unwrap_err();
        assert_eq!(refused.parameter(), Some("filename"), "{name:?}");
    }
    let thread = DocumentOwner::Thread { thread: backstay_core::ThreadId::parse("thr_x").unwrap() };
    let refused = add(&server, "d.txt", thread, b"d").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotFound);

    let context = server.context().await?;
    let broken = [Ok(Bytes::from_static(b"e")), Err(backstay_core::Error::invalid("cut off"))];
    let upload = upload("e.txt", assistant("hr"));
    let broken = futures::stream::iter(broken);
    let refused = server.engine().add_document(&context, upload, broken).await.unwrap_err();
    assert_eq!(refused.message(), "cut off");
    let count = |folder: &str| std::fs::read_dir(server.data().join("documents").join(folder));
    assert_eq!((count("ws_default")?.count(), count("incoming")?.count()), (1, 0));
    server.stop().await
}

#[tokio::test]
async fn a_workspace_with_limits_of_its_own_is_held_to_those() -> Result<()> {
    let limits = "[documents]\nfile_bytes_max = 10\n\
                  workspaces.ws_default = { file_bytes_max = 20, documents_max = 2, bytes_max = 30 }";
    let server = TestServer::builder().config(limits).start().await?;
    add(&server, "a.txt", assistant("hr"), &[b'a'; 20]).await?;
    let refused = add(&server, "b.txt", assistant("hr"), &[b'b'; 21]).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BodyTooLarge);
    let refused = add(&server, "c.txt", assistant("hr"), &[b'c'; 11]).await.unwrap_err();
    assert!(refused.message().contains("30 bytes"), "{refused}");
    add(&server, "d.txt", assistant("hr"), &[b'd'; 10]).await?;
    let refused = add(&server, "e.txt", assistant("hr"), b"").await.unwrap_err();
    assert!(refused.message().contains("2 documents"), "{refused}");
    server.stop().await
}

#[tokio::test]
async fn a_models_call_of_the_tool_gets_fenced_passages_or_is_told_how_to_mend_it() -> Result<()> {
    let server = TestServer::start().await?;
    let (engine, context) = (server.engine(), server.context().await?);
    let added = add(&server, "handbook.md", assistant("hr"), HANDBOOK.as_bytes()).await?;
    settled(&server, &added).await?;
    let call = |arguments: &str| ToolCall {
        id: "call_1".to_owned(),
        name: backstay_engine::SEARCH_DOCUMENTS_TOOL.to_owned(),
        arguments: arguments.to_owned(),
        signature: None,
    };
    let ask = async |arguments: &str| {
        engine.call_search_documents(&context, scope("hr"), &call(arguments), 1).await
    };
    let found = ask(r#"{"query": "days of leave"}"#).await?;
    assert!(!found.is_error && found.passages.len() == 1, "{found:?}");
    assert!(found.text.starts_with("<documents>\n"), "{}", found.text);
    assert!(found.text.contains("<passage 1: handbook.md, line 5>"), "{}", found.text);
    let nothing = ask(r#"{"query": "xylophone"}"#).await?;
    assert!(nothing.passages.is_empty() && nothing.text.contains("Nothing"), "{nothing:?}");
    for wrong in ["{", "{}", r#"{"query": 7}"#, r#"{"query": ""}"#] {
        assert!(ask(wrong).await?.is_error, "{wrong}");
    }
    server.stop().await
}

#[tokio::test]
async fn what_waited_to_be_read_is_read_after_a_restart() -> Result<()> {
    let server = TestServer::start().await?;
    let context = server.context().await?;
    let mut added = Vec::new();
    for number in 0..5 {
        let text = format!("{HANDBOOK}\nNumber {number}.\n").repeat(200);
        added.push(add(&server, "long.md", assistant("hr"), text.as_bytes()).await?);
    }
    let server = server.restart().await?;
    for added in &added {
        assert_eq!(settled(&server, added).await?.status, DocumentStatus::Indexed);
    }
    let found = find(server.engine(), &context, "days of leave", scope("hr")).await?;
    assert_eq!(found.len(), 10);
    server.stop().await
}
