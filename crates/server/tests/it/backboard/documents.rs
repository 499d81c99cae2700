//! Documents of assistants, threads and messages.

use std::time::Duration;

use anyhow::{Context as _, Result};
use backstay_core::DocumentId;
use backstay_testing::Answer;
use serde_json::{Value, json};

use super::{Board, text};

const RULES: &str = "# Harbour rules\n\nThe night gate closes at twenty past eleven.\n";
const SUMMARY: &str = "Harbour rules — The night gate closes at twenty past eleven.";
const NOBODY: &str = "0b0c7a52-3f63-4f3e-9a55-0a4f9a8a0b11";

async fn upload(board: &Board, path: &str, filename: &str, content: &str) -> Result<Answer> {
    board.client.upload(path, &[], (filename, content.as_bytes())).await
}

/// As the document is once it was read.
async fn settled(board: &Board, document: &Value) -> Result<Value> {
    let uuid = text(document, "document_id")?;
    let id = DocumentId::from_uuid(&uuid).context("no UUID")?;
    let context = board.server.context().await?;
    board.server.engine().settled_document(&context, &id, Duration::from_secs(20)).await?;
    Ok(board.client.get(&format!("/api/documents/{uuid}/status")).await?.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_uploaded_read_listed_and_deleted() -> Result<()> {
    let board = Board::start().await?;
    let thread = board.thread().await?;
    for owner in [format!("assistants/{}", board.assistant), format!("threads/{thread}")] {
        let path = format!("/api/{owner}/documents");
        let added = upload(&board, &path, "rules.md", RULES).await?;
        assert_eq!(added.status.as_u16(), 200, "{added:?}");
        let read = settled(&board, &added.body).await?;
        assert_eq!((&read["status"], &read["document_type"]), (&json!("indexed"), &json!("md")));
        assert_eq!(read["file_size_bytes"], RULES.len());
        assert!(read["chunk_count"].as_u64() > Some(0) && read["total_tokens"].as_u64() > Some(0));
        let listed = board.client.get(&path).await?.body;
        assert_eq!(listed[0]["document_id"], read["document_id"], "a bare array: {listed}");
        assert_eq!([&listed[0]["summary"], &read["summary"]], [SUMMARY, SUMMARY]);
        let again = upload(&board, &path, "copy.md", RULES).await?.body;
        assert_eq!(again["document_id"], read["document_id"], "the same bytes are one document");
        let id = text(&read, "document_id")?;
        let deleted = board.client.delete(&format!("/api/documents/{id}")).await?.body;
        assert_eq!(
            (&deleted["document_id"], &deleted["filename"]),
            (&json!(id), &json!("rules.md"))
        );
        assert!(deleted["message"].is_string() && deleted["deleted_at"].is_string(), "{deleted}");
        assert_eq!(board.client.get(&path).await?.body, json!([]));
    }
    board.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_came_with_a_message_is_its_attachment() -> Result<()> {
    let board = Board::start().await?;
    for send_to_llm in ["true", "false"] {
        let fields = [
            ("content", "Read these."),
            ("assistant_id", &board.assistant),
            ("llm_provider", "openai"),
            ("model_name", "sim-echo"),
            ("send_to_llm", send_to_llm),
        ];
        let files: [(&str, &str, &[u8]); 2] = [
            ("files", "rules.md", RULES.as_bytes()),
            ("files", "more.txt", b"The slipway is steep."),
        ];
        let reply = board.client.form("/api/threads/messages", &fields, &files).await?;
        assert_eq!(reply.status.as_u16(), 200, "{reply:?}");
        let messages = board.messages(&text(&reply.body, "thread_id")?).await?;
        let attached = messages[0]["attachments"].as_array().unwrap();
        let mut names: Vec<&str> =
            attached.iter().filter_map(|one| one["filename"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["more.txt", "rules.md"], "{messages:?}");
        assert!(attached.iter().all(|one| one["status"] == "indexed"), "{attached:?}");
        assert!(attached.iter().any(|one| one["summary"] == SUMMARY), "{attached:?}");
        if send_to_llm == "true" {
            // Files of one moment are listed in the order of their ids.
            let in_reply = reply.body["attachments"].as_array().unwrap();
            assert_eq!(in_reply.len(), attached.len());
            assert!(in_reply.iter().all(|one| attached.contains(one)), "{in_reply:?}");
        }
    }
    board.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_taken_says_why() -> Result<()> {
    let board = Board::start().await?;
    let path = format!("/api/assistants/{}/documents", board.assistant);
    let broken = upload(&board, &path, "report.pdf", "%PDF-1.7 and nothing more").await?.body;
    let read = settled(&board, &broken).await?;
    assert_eq!(read["status"], "error");
    assert!(read["status_message"].as_str().is_some_and(|reason| reason.len() > 10), "{read}");
    let id = text(&read, "document_id")?;
    let old = board.server.stranger().with_key(board.server.key());
    let old = old.with_header("user-agent", "backboard-python-sdk/1.4.12 (async)");
    let seen = old.get(&format!("/api/documents/{id}/status")).await?.body;
    assert_eq!(seen["status"], "failed", "clients of that age stop at any other word");

    let unknown = upload(&board, &path, "tool.exe", "MZ").await?;
    assert_eq!(unknown.status.as_u16(), 400, "{unknown:?}");
    assert!(unknown.body["detail"].as_str().unwrap().contains("pdf"), "{unknown:?}");
    let no_file = board.client.form(&path, &[("name", "x")], &[]).await?;
    assert_eq!(no_file.status.as_u16(), 400, "{no_file:?}");
    let no_form = board.client.post(&path, &json!({})).await?;
    assert_eq!(no_form.status.as_u16(), 400, "{no_form:?}");
    for (path, status) in
        [("documents/nope/status", 400), (&format!("documents/{NOBODY}/status"), 404)]
    {
        let answer = board.client.get(&format!("/api/{path}")).await?;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.body["detail"].is_string(), "{answer:?}");
    }
    let nowhere = upload(&board, &format!("/api/threads/{NOBODY}/documents"), "a.md", "x").await?;
    assert_eq!(nowhere.status.as_u16(), 404);

    let fields = [("content", "Run it."), ("assistant_id", board.assistant.as_str())];
    let file: (&str, &str, &[u8]) = ("files", "tool.exe", b"MZ");
    let refused = board.client.form("/api/threads/messages", &fields, &[file]).await?;
    assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
    assert_eq!(board.client.get("/api/threads").await?.body, json!([]), "no thread was begun");
    board.server.stop().await
}
