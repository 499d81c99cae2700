//! `backstay documents` as a person types it, against a real server that reads files in processes of
//! their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{Cursor, Write as _},
    path::PathBuf,
    process::{Command, Output},
};

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::Value;
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

const HANDBOOK: &str =
    "# Staff handbook\n\n## Leave\n\nEvery employee has thirty days of leave a year.\n";

async fn server() -> Result<TestServer> {
    TestServer::builder().reader(env!("CARGO_BIN_EXE_backstay")).start().await
}

async fn backstay(server: &TestServer, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(["--url", &server.url(), "--key", server.key()]).args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn json_of(server: &TestServer, arguments: &[&str]) -> Value {
    let output = backstay(server, &[&["--json"], arguments].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn text_of(server: &TestServer, arguments: &[&str]) -> String {
    let output = backstay(server, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn file(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A Word document whose text unpacks to 400 MB.
fn bomb() -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    (0..400).for_each(|_| zip.write_all(&zeros).unwrap());
    zip.finish().unwrap().into_inner()
}

/// What Office writes of a file with a password.
fn encrypted() -> Vec<u8> {
    let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    bytes.resize(2_048, 0);
    bytes.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    bytes.resize(4_096, 0);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_added_listed_found_fetched_and_deleted() -> Result<()> {
    let (server, folder) = (server().await?, TempDir::new()?);
    let handbook = file(&folder, "handbook.md", HANDBOOK);
    let added = json_of(&server, &["documents", "add", &handbook, "--assistant", "hr"]).await;
    let document = &added["data"][0];
    assert_eq!(
        (&document["status"], &document["chunks"]),
        (&"indexed".into(), &1.into()),
        "{added}"
    );
    let id = document["id"].as_str().unwrap();

    let list = text_of(&server, &["documents", "list", "--assistant", "hr"]).await;
    assert!(list.contains("handbook.md") && list.contains("indexed"), "{list}");
    let shown = text_of(&server, &["documents", "show", id]).await;
    assert!(shown.contains("of       assistant hr") && shown.contains("1 passages"), "{shown}");
    let summary = "Staff handbook — Every employee has thirty days of leave a year.";
    assert!(shown.contains(&format!("summary  {summary}")), "{shown}");
    let listed = json_of(&server, &["documents", "list"]).await;
    assert_eq!(listed["data"][0]["summary"], summary, "{listed}");
    let search = ["documents", "search", "How many days of leave?", "--assistant", "hr"];
    let found = text_of(&server, &search).await;
    assert!(found.contains("handbook.md, line 5 · Staff handbook › Leave"), "{found}");
    assert_eq!(json_of(&server, &search).await["data"][0]["document"], id);

    let copy = folder.path().join("copy.md");
    let copy = copy.to_str().unwrap();
    text_of(&server, &["documents", "get", id, "--output", copy]).await;
    assert_eq!(std::fs::read_to_string(copy)?, HANDBOOK);
    let gone = text_of(&server, &["documents", "delete", id]).await;
    assert_eq!(gone.trim(), "handbook.md was deleted.");
    let missing = backstay(&server, &["documents", "show", id]).await;
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no document"));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_file_is_given_up_with_a_reason_and_the_server_goes_on() -> Result<()> {
    let (server, folder) = (server().await?, TempDir::new()?);
    for (name, bytes, code) in [
        ("bomb.docx", bomb(), "document_too_large"),
        ("locked.xlsx", encrypted(), "document_encrypted"),
        ("deep.json", "[".repeat(100_000).into_bytes(), "document_too_deep"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type".to_vec(), "document_damaged"),
        ("program.pdf", b"\x7fELF\x02\x01\x01\0".to_vec(), "document_type_mismatch"),
        ("nothing.csv", Vec::new(), "document_without_text"),
    ] {
        let path = file(&folder, name, bytes);
        let output = backstay(&server, &["--json", "documents", "add", &path]).await;
        assert!(!output.status.success(), "{name}");
        let added: Value = serde_json::from_slice(&output.stdout)?;
        let found = added["data"][0]["error"]["code"].as_str().unwrap();
        // Which of its limits a bomb meets first depends on how the reader was built.
        let is_bomb = name == "bomb.docx" && found == "document_out_of_memory";
        assert!(found == code || is_bomb, "{name}: {added}");
    }
    let handbook = file(&folder, "handbook.md", HANDBOOK);
    let added = json_of(&server, &["documents", "add", &handbook]).await;
    assert_eq!(added["data"][0]["status"], "indexed");
    let list = text_of(&server, &["documents", "list"]).await;
    assert!(list.contains("locked.xlsx: This Office document is protected"), "{list}");
    server.stop().await
}
