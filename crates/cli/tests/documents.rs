//! The process in which the server reads documents, as the real binary is it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs::File,
    io::{Seek, Write},
};

use backstay_documents::{Content, ErrorKind, Limits, Parser};

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

#[tokio::test]
async fn backstay_reads_a_document_in_a_process_of_its_own() {
    let parser = Parser::new(env!("CARGO_BIN_EXE_backstay"), Limits::default());
    let parsed = parser.parse("notes.md", file(b"# Title\n\nWords.\n"), |_| {}).await.unwrap();
    assert_eq!(parsed.blocks[1].content, Content::Paragraph("Words.".into()));
}

/// With the allocator of the real binary, which takes addresses from the system in larger pieces.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn its_memory_is_bounded() {
    let text = format!("[{}1]", "1,".repeat(3_000_000));
    let limits = Limits { memory_bytes: 96 << 20, ..Limits::default() };
    let parser = Parser::new(env!("CARGO_BIN_EXE_backstay"), limits);
    let error = parser.parse("numbers.json", file(text.as_bytes()), |_| {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfMemory, "{}", error.message);
}
