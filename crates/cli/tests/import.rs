//! `backstay import` as a person calls it: the real binary, its outputs and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const TEAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/litellm/team.yaml");

fn import(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_backstay"))
        .arg("import")
        .args(arguments)
        .env("AZURE_EU_BASE", "https://eu.openai.azure.com")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn expected(extension: &str) -> String {
    fs::read_to_string(Path::new(TEAM).with_extension(extension)).unwrap()
}

#[test]
fn a_configuration_goes_to_standard_output_and_its_report_beside_it() {
    let output = import(&["litellm", TEAM]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), expected("toml"));
    assert_eq!(text(&output.stderr), expected("txt"));
}

#[test]
fn a_file_that_is_there_is_overwritten_only_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backstay.toml");
    let to = path.to_str().unwrap();
    assert!(import(&["litellm", TEAM, "-o", to]).status.success());
    assert_eq!(fs::read_to_string(&path).unwrap(), expected("toml"));

    fs::write(&path, "mine").unwrap();
    let refused = import(&["litellm", TEAM, "-o", to]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("--force"), "{}", text(&refused.stderr));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");

    assert!(import(&["litellm", TEAM, "-o", to, "--force"]).status.success());
    assert_eq!(fs::read_to_string(&path).unwrap(), expected("toml"));
}

#[test]
fn a_program_gets_configuration_and_report_as_one_json_value() {
    let output = import(&["litellm", TEAM, "--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["config"], expected("toml"));
    assert_eq!(value["output"], serde_json::Value::Null);
    assert_eq!(value["taken"][0]["line"], 3);
    for kind in ["taken", "changed", "without_counterpart"] {
        assert!(!value[kind].as_array().unwrap().is_empty(), "{kind}");
    }
}

#[test]
fn conversations_are_still_imported_by_their_file_alone() {
    let missing = import(&["no-such-file.json", "--key", "bs-any"]);
    assert!(text(&missing.stderr).contains("no-such-file.json"), "{}", text(&missing.stderr));
    let nothing = import(&[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("Usage"), "{}", text(&nothing.stderr));
}
