//! `backstay memory` and `backstay jobs` as a person types them, against a real server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

use anyhow::Result;
use backstay_testing::TestServer;
use serde_json::{Value, json};

/// Each is a process and a request of its own, so that the server has time between them.
const POLLS_MAX: usize = 1_000;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_shown_and_taken_back() -> Result<()> {
    let server = TestServer::start().await?;
    let set = ["memory", "policy", "set", "--user", "anna"];
    let given = ["--keep-turns", "90d", "--half-life-days", "30", "--learn", "false"];
    let policy = json_of(&server, &[&set[..], &given].concat()).await;
    assert_eq!(
        (&policy["episode_ttl_seconds"], &policy["learn"]),
        (&json!(7_776_000), &json!(false))
    );
    let shown = text_of(&server, &["memory", "policy", "show", "--user", "anna"]).await;
    assert_eq!(
        shown.trim(),
        "turns are kept 90d, statements for ever; a memory counts half after 30 days; nothing is \
         learned"
    );
    let others = text_of(&server, &["memory", "policy", "show"]).await;
    assert!(others.contains("turns are kept for ever"), "{others}");
    let clear = ["memory", "policy", "clear", "--user", "anna"];
    assert_eq!(json_of(&server, &clear).await["cleared"], true);
    assert_eq!(json_of(&server, &clear).await["cleared"], false);
    let wrong = backstay(&server, &["memory", "policy", "set", "--keep-turns", "90"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("90d"));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_narrows_a_search_and_explain_names_what_it_kept_out() -> Result<()> {
    let server = TestServer::start().await?;
    let mut ids = Vec::new();
    for (instrument, year) in [("bassoon", "year=2019"), ("trumpet", "year=2024")] {
        let text = format!("Zuzana plays the {instrument}.");
        let added = json_of(&server, &["memory", "add", &text, "--metadata", year]).await;
        ids.push(added["memory"]["id"].as_str().unwrap().to_owned());
    }
    let question = "Which instrument does Zuzana play?";
    let search = ["memory", "search", question, "--metadata", "year=2024"];
    let found = json_of(&server, &search).await;
    assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["data"][0]["id"], ids[1].as_str());
    let explain = ["memory", "explain", question, "--id", &ids[0], "--metadata", "year=2024"];
    let text = text_of(&server, &explain).await;
    assert!(text.contains(&format!("{}: filtered out", ids[0])), "{text}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_shown_and_set() -> Result<()> {
    let server = TestServer::builder().start().await?;
    let show = ["workspace", "show"];
    assert_eq!(text_of(&server, &show).await.trim(), "while the store is away: refuse");
    let set = ["workspace", "set", "--when-store-is-away", "answer_without_memory"];
    let told = text_of(&server, &set).await;
    assert_eq!(told.trim(), "while the store is away: answer without memory");
    let shown = json_of(&server, &show).await;
    assert_eq!(shown, json!({"when_store_is_away": "answer_without_memory"}));
    let wrong = backstay(&server, &["workspace", "set", "--when-store-is-away", "hide"]).await;
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("answer_without_memory"));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_is_listed_with_its_reason_and_discarded() -> Result<()> {
    let section = "[memory.learning]\nidle_seconds = 0\nmodel = \"dead/none\"";
    let server = TestServer::builder().config(section).start().await?;
    assert_eq!(text_of(&server, &["jobs", "list"]).await.trim(), "No work waits.");
    server.member().chat("openai/sim-echo", "I moved to Ghent.", json!({"thread": "new"})).await?;
    let mut job = Value::Null;
    for _ in 0..POLLS_MAX {
        job = json_of(&server, &["jobs", "list", "--state", "ready"]).await["data"][0].clone();
        if job["failures"] == 1 {
            break;
        }
    }
    let id = job["id"].as_str().unwrap();
    let listed = text_of(&server, &["jobs", "list"]).await;
    assert!(listed.contains(id) && listed.contains("last error"), "{listed}");
    let retried = backstay(&server, &["jobs", "retry", id]).await;
    assert_eq!(retried.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&retried.stderr).contains("no dead job"));
    assert!(text_of(&server, &["jobs", "discard", id]).await.contains("discarded"));
    assert_eq!(text_of(&server, &["jobs", "list"]).await.trim(), "No work waits.");
    server.stop().await
}
