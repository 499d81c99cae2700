//! Memory to and from files.

use std::{
    io::{Read as _, Write},
    path::Path,
};

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{client::Client, output::Output};

/// What is sent at once; a server takes at most 32 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;
const JSON_LINES: &str = "{\"type\":\"header\"";

/// What the server says of an import, added up over its parts.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Imported {
    format: String,
    turns_added: usize,
    statements_added: usize,
    quarantined: usize,
    present: usize,
    forgotten: usize,
}

impl Imported {
    fn add(&mut self, part: Self) {
        self.format = part.format;
        self.turns_added += part.turns_added;
        self.statements_added += part.statements_added;
        self.quarantined += part.quarantined;
        self.present += part.present;
        self.forgotten += part.forgotten;
    }

    pub(super) fn to_text(&self) -> String {
        let Self { format, turns_added, statements_added, quarantined, present, forgotten } = self;
        format!(
            "read as {format}: {turns_added} turns and {statements_added} statements added \
             ({quarantined} of them quarantined), {present} present before, {forgotten} forgotten \
             here and left out"
        )
    }
}

/// Writes the export as it arrives.
pub(super) async fn export(
    client: &Client,
    query: &str,
    file: Option<&Path>,
    output: Output,
) -> Result<()> {
    let path = format!("/backstay/v1/memories/export{query}");
    let response = client.send(Method::GET, &path, None).await?;
    let mut target: Box<dyn Write> = match file {
        Some(file) => Box::new(
            std::fs::File::create(file)
                .with_context(|| format!("cannot write {}", file.display()))?,
        ),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut bytes = 0;
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        let part = part.context("the export broke off; the file is not complete")?;
        bytes += part.len();
        target.write_all(&part)?;
    }
    target.flush()?;
    if let Some(file) = file {
        output.note(&format!("{bytes} bytes written to {}", file.display()));
    }
    Ok(())
}

/// Sends a file, one of many lines in parts.
pub(super) async fn import(
    client: &Client,
    query: &str,
    file: &Path,
    output: Output,
) -> Result<Imported> {
    let text = read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let path = format!("/backstay/v1/memories/import{query}");
    let progress = if output.is_json() {
        ProgressBar::hidden()
    } else {
        let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
        ProgressBar::new(text.len() as u64)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    };
    let mut total = Imported::default();
    for part in parts(&text) {
        total.add(client.post_text(&path, part.to_owned()).await?);
        progress.inc(part.len() as u64);
    }
    progress.finish_and_clear();
    Ok(total)
}

fn read(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}

/// Our own lines, in parts that end with a line; whole texts of any other kind. The versions of one
/// statement stand together, so that a part never ends between two of them.
fn parts(text: &str) -> Vec<&str> {
    if text.len() <= PART_BYTES || !text.starts_with(JSON_LINES) {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut start, mut end, mut last) = (0, 0, "");
    for line in text.split_inclusive('\n') {
        let id = identifier(line);
        if end - start + line.len() > PART_BYTES && end > start && id != last {
            parts.push(&text[start..end]);
            start = end;
        }
        (end, last) = (end + line.len(), id);
    }
    parts.push(&text[start..]);
    parts
}

/// The id of a record, from how its line begins.
fn identifier(line: &str) -> &str {
    let rest = line.split_once("\"id\":\"").map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_sent_in_parts_that_keep_a_statement_s_versions_together() {
        let pad = "x".repeat(PART_BYTES / 3);
        let line =
            |id: &str| format!("{{\"type\":\"statement\",\"id\":\"{id}\",\"text\":\"{pad}\"}}\n");
        let header = "{\"type\":\"header\",\"format\":\"backstay-memory\",\"version\":1}\n";
        let text =
            format!("{header}{}{}{}{}", line("mem_a"), line("mem_b"), line("mem_b"), line("mem_c"));
        let parts = parts(&text);
        assert_eq!(parts.concat(), text);
        let ids: Vec<Vec<&str>> =
            parts.iter().map(|part| part.lines().map(identifier).collect()).collect();
        assert_eq!(ids, [vec!["", "mem_a", "mem_b", "mem_b"], vec!["mem_c"]]);
    }
}
