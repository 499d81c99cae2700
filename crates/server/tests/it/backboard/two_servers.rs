//! Documents of servers that share a database and a folder of bytes: whichever is asked has them.

use anyhow::{Context as _, Result, bail};
use backstay_testing::{TestClient, TestServer};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Board, POLLS_MAX, text};

const NOTES: &str =
    "# Harbour\n\nThe ferry to Tallinn leaves from quay nine at six in the morning.\n";
const ASKED: &str = "Use the search_documents tool for the Ferry to Tallinn";

/// An assistant as one of the servers has it.
struct At<'a> {
    client: TestClient,
    assistant: &'a str,
}

impl At<'_> {
    async fn upload(&self) -> Result<String> {
        let path = format!("/api/assistants/{}/documents", self.assistant);
        let added = self.client.upload(&path, &[], ("notes.md", NOTES.as_bytes())).await?;
        text(&added.body, "document_id")
    }

    async fn read(&self, id: &str) -> Result<()> {
        for _ in 0..POLLS_MAX {
            let found = self.client.get(&format!("/api/documents/{id}/status")).await?.body;
            match found["status"].as_str() {
                Some("indexed") => return Ok(()),
                Some("error") => bail!("{found}"),
                _ => {}
            }
        }
        bail!("the document was not read")
    }

    /// Passages of a search.
    async fn passages(&self) -> Result<Vec<Value>> {
        let question = json!({"question": "ferry to Tallinn", "assistant": self.assistant});
        let found = self.client.post("/backstay/v1/documents/search", &question).await?.body;
        found["data"].as_array().cloned().with_context(|| found.to_string())
    }

    /// Whether a model that searches finds the document in a run here.
    async fn is_found_in_a_run(&self) -> Result<bool> {
        let body = json!({"assistant_id": self.assistant, "content": ASKED,
            "llm_provider": "openai", "model_name": "sim-echo", "memory": "off"});
        let answer = self.client.post("/api/threads/messages", &body).await?.body;
        let said = answer["content"].as_str().with_context(|| answer.to_string())?;
        let is_named = answer["retrieved_files"] == json!(["notes.md"]);
        assert_eq!(said.contains("quay nine"), is_named, "{answer}");
        Ok(is_named)
    }

    async fn content(&self, document: &Value) -> Result<(u16, String)> {
        let id = document.as_str().context("no document")?;
        let path = format!("/backstay/v1/documents/{id}/content");
        let got = self.client.request(Method::GET, &path).send().await?;
        Ok((got.status().as_u16(), got.text().await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_one_server_is_found_by_the_other_and_gone_for_both() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let shared = format!("[documents]\nfolder = {:?}\n", folder.path());
    let one = TestServer::builder().shared().config(&shared).start().await?;
    let two = one.another().await?;
    let board = Board::of(one, json!({"name": "Helper"})).await?;
    let assistant = &board.assistant;
    let first = At { client: board.server.member(), assistant };
    let second = At { client: two.member(), assistant };
    // Who is given it, who has to find it, who deletes it.
    for (given, asked, deleting) in [(&first, &second, &second), (&second, &first, &second)] {
        let id = given.upload().await?;
        asked.read(&id).await?;
        let passages = asked.passages().await?;
        assert!(passages[0]["text"].as_str().is_some_and(|text| text.contains("quay nine")));
        assert!(asked.is_found_in_a_run().await?);
        // From here on both hold its index.
        assert_eq!(given.passages().await?.len(), passages.len());
        let document = &passages[0]["document"];
        assert_eq!(asked.content(document).await?, (200, NOTES.to_owned()));

        let deleted = deleting.client.delete(&format!("/api/documents/{id}")).await?;
        assert_eq!(deleted.status.as_u16(), 200, "{deleted:?}");
        for server in [given, asked] {
            assert_eq!(server.passages().await?, Vec::<Value>::new());
            assert!(!server.is_found_in_a_run().await?);
            assert_eq!(server.content(document).await?.0, 404);
            let status = server.client.get(&format!("/api/documents/{id}/status")).await?;
            assert_eq!(status.status.as_u16(), 404, "{status:?}");
        }
        let kept = std::fs::read_dir(folder.path().join("ws_default"))?;
        assert_eq!(kept.count(), 0, "its bytes are still there");
    }
    two.stop().await?;
    board.server.stop().await
}
