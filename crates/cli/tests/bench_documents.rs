//! `backstay bench documents` as a program meets it: its JSON, and which method is how far ahead.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

const METHODS: [&str; 3] = ["Backstay", "BM25 alone", "vectors alone"];

/// `None` where the embedding model is not installed.
fn bench(more: &[&str]) -> Option<Output> {
    let Some(models) = std::env::var_os("BACKSTAY_TEST_MODELS") else {
        let note = "SKIPPED: BACKSTAY_TEST_MODELS names no folder with the embedding model";
        // Not `println!`: the test runner would keep it to itself.
        let _unwritten = writeln!(std::io::stderr(), "{note}");
        return None;
    };
    let data =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../bench/memory/data/household.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(["bench", "documents", "--pages", "3", "--limit", "1", "--dataset"]);
    Some(command.arg(data).arg("--models").arg(models).args(more).output().unwrap())
}

fn interval(value: &Value) -> (f64, f64) {
    (value[0].as_f64().unwrap(), value[1].as_f64().unwrap())
}

#[test]
fn each_method_has_its_figures_and_the_baselines_how_far_they_are_behind() {
    let Some(output) = bench(&["--json"]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["questions"].as_u64().unwrap() > 5 && report["files"].as_u64().unwrap() > 1);
    let methods = report["methods"].as_array().unwrap();
    let names: Vec<&Value> = methods.iter().map(|method| &method["method"]).collect();
    assert_eq!(names, METHODS);
    assert_eq!(methods[0]["backstay_ahead"], Value::Null);
    for method in methods {
        let ndcg = method["ndcg_at_10"].as_f64().unwrap();
        let (lower, upper) = interval(&method["ndcg_at_10_interval"]);
        assert!(0.0 <= lower && lower <= ndcg && ndcg <= upper && upper <= 1.0, "{method}");
    }
    for baseline in &methods[1..] {
        let ahead =
            methods[0]["ndcg_at_10"].as_f64().unwrap() - baseline["ndcg_at_10"].as_f64().unwrap();
        let (lower, upper) = interval(&baseline["backstay_ahead"]);
        assert!(lower <= ahead && ahead <= upper, "{ahead} is not within {lower} to {upper}");
    }
}

#[test]
fn a_table_is_for_people() {
    let Some(output) = bench(&[]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Backstay ahead by"), "{text}");
    assert!(METHODS.iter().all(|method| text.contains(method)), "{text}");
}
