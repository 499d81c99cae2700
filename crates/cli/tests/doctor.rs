//! `backstay doctor` against a server on PostgreSQL.

use std::process::Command;

use anyhow::{Context as _, Result};
use backstay_testing::TestServer;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_matters_of_a_shared_database() -> Result<()> {
    let server = TestServer::builder().shared().start().await?;
    let other = server.another().await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(["--url", &server.url(), "--key", server.key(), "--json", "doctor"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let of = |check: &str| {
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.with_context(|| format!("nothing about {check}: {findings:?}"))
    };
    let says = |check: &str, text: &str| {
        Ok::<_, anyhow::Error>(of(check)?["found"].as_str().is_some_and(|all| all.contains(text)))
    };
    assert!(says("database", "PostgreSQL ")?, "{findings:?}");
    assert!(says("replication", "the primary")?, "{findings:?}");
    assert!(says("nodes", "2 share the database")?, "{findings:?}");
    for check in ["pgvector", "clock", "latency", "connections"] {
        assert_eq!(of(check)?["ok"], true, "{check}");
    }
    // The tests' user owns the server.
    let security = of("row security")?;
    assert_eq!((&security["ok"], &security["warning"]), (&true.into(), &true.into()));
    assert!(security["advice"].as_str().is_some_and(|text| text.contains("NOBYPASSRLS")));
    other.stop().await?;
    server.stop().await
}
