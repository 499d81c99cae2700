//! `backstay bench memory` as a program meets it: its JSON, its errors, its page.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

fn household() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../bench/memory/data/household.json")
}

fn bench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(["bench", "memory", "--no-vectors"]).args(arguments).output().unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn json_is_one_object_with_exactly_the_documented_members() {
    let data = household();
    let output = bench(&["--json", "--limit", "2", "--dataset", data.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let documented = [
        "dataset",
        "questions",
        "methods",
        "absent",
        "conversations",
        "episodes",
        "questions_with_evidence",
        "kinds",
        "profile",
        "embeddings",
        "bytes_per_episode",
        "abstention",
        "bootstrap",
    ];
    assert_eq!(keys(&report), documented);
    assert_eq!((&report["dataset"], &report["conversations"]), (&"plain".into(), &2.into()));
    let own = &report["methods"][0];
    let members = [
        "name",
        "recall",
        "ndcg10",
        "by_kind",
        "evidence_at_tokens",
        "session_any_hit5",
        "ms_p50",
        "ms_p95",
        "tokens_injected",
        "intervals",
    ];
    assert_eq!(keys(own), members);
    assert_eq!((&own["name"], &report["methods"][1]["name"]), (&"backstay".into(), &"bm25".into()));
    assert_eq!(keys(&own["recall"]), ["5", "10", "20", "50"]);
    assert_eq!(keys(&own["evidence_at_tokens"]), ["250", "500", "1000", "2000"]);
    assert_eq!(keys(&own["by_kind"]), keys(&report["kinds"]));
    let tenths = own["recall"]["10"].as_f64().unwrap() * 10.0;
    assert!((tenths - tenths.round()).abs() < 1e-6, "one decimal");
    let within = own["intervals"]["recall"]["10"].as_array().unwrap();
    assert!(within[0].as_f64() <= own["recall"]["10"].as_f64());
    assert!(within[1].as_f64() >= own["recall"]["10"].as_f64());
    assert_eq!(report["absent"][0]["reason"], "--no-vectors was given");
}

#[test]
fn a_table_and_a_page_are_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let data = household();
    let output = bench(&["--dataset", data.to_str().unwrap(), "--html", page.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("evidence recall, %") && text.contains("bm25"), "{text}");
    assert!(std::fs::read_to_string(page).unwrap().contains("<svg"));
}

#[test]
fn what_cannot_be_measured_is_said_and_nothing_is_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    std::fs::write(&other, "[{\"mapping\": {}}]").unwrap();
    let output = bench(&["--json", "--dataset", other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let message = error["error"].as_str().unwrap();
    assert!(message.contains("other.json") && message.contains("LongMemEval"), "{message}");

    let nowhere = folder.path().join("no/page.html");
    let data = household();
    let output = bench(&["--dataset", data.to_str().unwrap(), "--html", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("its folder does not exist"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_judged_by_a_model_and_kept_apart_from_recall() {
    let sim = upstream_sim::Sim::start(upstream_sim::Options::default()).await.unwrap();
    let verdict = r#"{"choices": [{"message": {"role": "assistant", "content": "Correct."}}]}"#;
    sim.script(upstream_sim::Script::raw("sim-raw", vec![verdict.into()])).unwrap();
    let (url, data) = (sim.base_url(), household());
    let models = ["--answers", "sim-quote", "--judge", "sim-raw", "--url", url.as_str()];
    let rest = ["--key", "any", "--json", "--limit", "1", "--dataset", data.to_str().unwrap()];
    let arguments: Vec<String> = models.iter().chain(&rest).map(ToString::to_string).collect();
    let run = tokio::task::spawn_blocking(move || {
        bench(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answers = &report["answers"];
    let members = [
        "model",
        "judge",
        "questions",
        "correct",
        "interval",
        "by_kind",
        "unjudged",
        "budget_tokens",
        "prompts",
    ];
    assert_eq!(keys(answers), members);
    assert_eq!((&answers["model"], &answers["judge"]), (&"sim-quote".into(), &"sim-raw".into()));
    assert_eq!((&answers["correct"], &answers["unjudged"]), (&100.0.into(), &0.into()));
    assert_eq!(answers["questions"], report["questions"]);
    // Each question is put to the one model with its memories, and its answer to the other.
    let asked = sim.requests().len() as u64;
    assert_eq!(Some(asked), answers["questions"].as_u64().map(|questions| 2 * questions));
    sim.shutdown().await;
}
