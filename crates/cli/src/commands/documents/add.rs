//! Uploading files and waiting for them.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{PATH, Whose, show};
use crate::{client::Client, output::Output};

const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) async fn run(
    client: &Client,
    files: &[impl AsRef<Path>],
    whose: &Whose,
    no_wait: bool,
    output: Output,
) -> Result<ExitCode> {
    let mut added = Vec::with_capacity(files.len());
    for file in files {
        added.push(upload(client, file.as_ref(), whose, output).await?);
    }
    if !no_wait {
        for document in &mut added {
            *document = settled(client, document, output).await?;
        }
    }
    let unreadable = added.iter().any(|document| document["status"] == "error");
    output.show(&json!({"data": added}), show::list);
    Ok(if unreadable { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn upload(client: &Client, file: &Path, whose: &Whose, output: Output) -> Result<Value> {
    let fields = [
        ("assistant", whose.assistant.as_deref()),
        ("thread", whose.thread.as_deref()),
        ("message", whose.message.as_deref()),
    ];
    let name = file.file_name().and_then(|name| name.to_str());
    let Some(name) = name else { bail!("{} has no name that can be sent", file.display()) };
    let opened = tokio::fs::File::open(file).await;
    let opened = opened.with_context(|| format!("cannot read {}", file.display()))?;
    let size = opened.metadata().await?.len();
    let bar = bar(output, size, "{msg} {bar:30} {bytes}/{total_bytes} {eta}");
    bar.set_message(name.to_owned());
    let counted = bar.clone();
    let uploaded = client
        .upload(PATH, &fields, (name, opened), move |bytes| counted.inc(bytes))
        .await
        .with_context(|| format!("{} was not added", file.display()));
    bar.finish_and_clear();
    uploaded
}

/// Waits until a document is indexed or given up.
async fn settled(client: &Client, document: &Value, output: Output) -> Result<Value> {
    let id = document["id"].as_str().unwrap_or_default();
    let bar = bar(output, 1, "{msg} {bar:30} {pos}/{len}");
    loop {
        let now: Value = client.get(&format!("{PATH}/{id}")).await?;
        if matches!(now["status"].as_str(), Some("indexed" | "error")) {
            bar.finish_and_clear();
            return Ok(now);
        }
        let number = |name: &str| now[name].as_u64().unwrap_or(0);
        // First its pages are read, then its passages get vectors.
        let (what, done, all) = match number("chunks") {
            0 => ("reading", number("parts_read"), number("parts")),
            chunks => ("embedding", number("embedded"), chunks),
        };
        bar.set_message(format!("{}: {what}", now["filename"].as_str().unwrap_or_default()));
        bar.set_length(all.max(1));
        bar.set_position(done);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Shown on standard error, and only to a person.
fn bar(output: Output, length: u64, template: &str) -> ProgressBar {
    if output.is_json() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
