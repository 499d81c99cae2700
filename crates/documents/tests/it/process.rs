//! The real process that reads a file, and the parent that believes nothing of it.

use std::{fs::File, io::Write, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use backstay_documents::{ErrorKind, Format, Limits, ParseError, Parsed, Parser};

use crate::files::{docx, drawn, paragraph, pdf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_parse-document");

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

async fn parsed(
    program: impl Into<PathBuf>,
    limits: Limits,
    name: &str,
    bytes: &[u8],
) -> Result<Parsed, ParseError> {
    Parser::new(program, limits).parse(name, file(bytes), |_| {}).await
}

/// A program that says what a file which has taken over the process might say.
fn impostor(script: &str) -> tempfile::TempPath {
    let mut program = tempfile::NamedTempFile::new().unwrap();
    write!(program, "#!/bin/sh\n{script}\n").unwrap();
    program.as_file().set_permissions(PermissionsExt::from_mode(0o700)).unwrap();
    // A file that is open for writing cannot be run.
    program.into_temp_path()
}

#[tokio::test]
async fn a_file_read_in_its_process_is_the_same_as_read_here() {
    let bytes = docx(&paragraph("berschrift1", "Hello"));
    let there = parsed(PROGRAM, Limits::default(), "a.docx", &bytes).await.unwrap();
    assert_eq!(there, crate::read("a.docx", bytes.clone()));
    let here = Parser::in_this_process(Limits::default());
    assert_eq!(here.parse("a.docx", file(&bytes), |_| {}).await.unwrap(), there);
    assert_eq!(there.summary.format, Format::Docx);
}

#[tokio::test]
async fn progress_is_seen_page_by_page() {
    let page = drawn(&[(11.0, 700.0, "Text")]);
    let mut seen = Vec::new();
    let parser = Parser::new(PROGRAM, Limits::default());
    parser
        .parse("a.pdf", file(&pdf(&[&page, &page, &page], "")), |progress| {
            seen.push((progress.done, progress.total))
        })
        .await
        .unwrap();
    assert_eq!(seen, [(1, 3), (2, 3), (3, 3)]);
}

#[tokio::test]
async fn reasons_arrive_as_they_were_given() {
    let error =
        parsed(PROGRAM, Limits::default(), "a.pdf", b"\x89PNG\r\n\x1a\n____").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Mismatched);
    assert_eq!(error.kind.code(), "document_type_mismatch");
    assert!(error.message.contains("PNG image"), "{}", error.message);
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_can_do_nothing_but_read_and_tell() {
    let output = Command::new(PROGRAM).arg("escape").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Full\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_needs_too_much_memory_ends_only_its_process() {
    // Many numbers in one array: each becomes an entry before any of them is told.
    let text = format!("[{}1]", "1,".repeat(3_000_000));
    let limits = Limits { memory_bytes: 48 << 20, ..Limits::default() };
    let error = parsed(PROGRAM, limits, "a.json", text.as_bytes()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfMemory, "{}", error.message);
}

#[tokio::test]
async fn a_process_that_hangs_is_killed_with_all_it_started() {
    let mark = tempfile::NamedTempFile::new().unwrap();
    let program =
        impostor(&format!("(sleep 600; rm {}) & echo $! >&2; sleep 600", mark.path().display()));
    let limits = Limits { seconds: 1, ..Limits::default() };
    let error = parsed(&*program, limits, "a.txt", b"text").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut);
    assert!(error.message.contains("more than 1 s,"), "{}", error.message);
}

#[tokio::test]
async fn what_is_said_beyond_bounds_is_not_believed() {
    let block = r#"{"block":{"content":{"paragraph":"x"},"source":{"unit":"slide","number":1}}}"#;
    let done = r#"{"done":{"format":"text","title":null,"parts":null}}"#;
    let cases = [
        ("a line without end", "yes x | tr -d '\\n' | head -c 3000000".to_owned()),
        ("no JSON", "echo hello".to_owned()),
        ("too many blocks", format!("for i in 1 2 3; do echo '{block}'; done; echo '{done}'")),
        ("nothing at all", "exit 0".to_owned()),
        ("half a line", format!("printf '%s' '{done}'")),
    ];
    for (what, script) in cases {
        let program = impostor(&script);
        let limits = Limits { blocks: 2, ..Limits::default() };
        let error = parsed(&*program, limits, "a.txt", b"text").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Failed, "{what}: {}", error.message);
    }
    let program = impostor(&format!("yes >&2 & echo '{block}'; echo '{done}'"));
    let heard = parsed(&*program, Limits::default(), "a.txt", b"text").await.unwrap();
    assert_eq!(heard.blocks.len(), 1);
}

#[tokio::test]
async fn a_process_that_crashes_leaves_a_reason() {
    for (script, kind) in [
        ("kill -SEGV $$", ErrorKind::Damaged),
        ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", ErrorKind::OutOfMemory),
        ("echo \"thread 'main' has overflowed its stack\" >&2; kill -ABRT $$", ErrorKind::TooDeep),
        ("kill -XCPU $$", ErrorKind::TimedOut),
    ] {
        let program = impostor(script);
        let error = parsed(&*program, Limits::default(), "a.txt", b"text").await.unwrap_err();
        assert_eq!(error.kind, kind, "{script}: {}", error.message);
    }
    let error =
        parsed("/nonexistent/program", Limits::default(), "a.txt", b"text").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Failed);
    assert!(!error.message.contains("/nonexistent"), "{}", error.message);
}
