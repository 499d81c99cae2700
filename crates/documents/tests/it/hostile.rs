//! Files that want to hurt: what `tests/hostile_documents/make.py` makes, through the real process.
//! Here every twentieth; `tests/hostile_documents/run.py` puts all 500 through the release binary and
//! measures what each takes.

use std::{collections::HashMap, fs::File, path::Path, process::Command};

use backstay_documents::{ErrorKind, Limits, Parser};
use serde_json::Value;

#[tokio::test]
async fn hostile_files_end_with_a_reason_and_the_parent_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile_documents/make.py");
    let made = Command::new("python3")
        .arg(maker)
        .args(["--step", "20", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    let manifest: Vec<Value> = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest.len(), 25);

    let parser = Parser::new(env!("CARGO_BIN_EXE_parse-document"), Limits::default());
    let mut reasons: HashMap<&str, Vec<String>> = HashMap::new();
    for entry in &manifest {
        let name = entry["file"].as_str().unwrap();
        let file = File::open(folder.path().join(name)).unwrap();
        match parser.parse(name, file, |_| {}).await {
            Ok(_) => reasons.entry("read").or_default().push(name.into()),
            Err(error) => {
                assert_ne!(error.kind, ErrorKind::Failed, "{name}: {}", error.message);
                assert!(
                    error.message.ends_with('.') && error.message.len() < 400,
                    "{name}: {}",
                    error.message
                );
                reasons.entry(error.kind.code()).or_default().push(name.into());
            }
        }
    }
    assert!(reasons.len() >= 5, "{reasons:#?}");
    let well = parser
        .parse("a.txt", File::open(file!().replace("crates/documents/", "")).unwrap(), |_| {})
        .await;
    assert!(well.is_ok());
}
