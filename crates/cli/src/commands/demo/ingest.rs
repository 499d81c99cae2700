//! Brings the conversation into memory and waits until its vectors are there.

use std::{collections::HashMap, time::Duration};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use serde_json::Value;

use crate::{
    client::Client,
    commands::import,
    import::{Conversation, Turn},
    output::Output,
};

/// What the demo knows of a conversation in memory.
pub(crate) struct Ingested {
    /// The assistant whose memory it is: one per conversation, so that files do not mix.
    pub(crate) assistant: String,
    /// The turn and its session, by episode id.
    pub(crate) turns: HashMap<String, (Turn, String)>,
    /// The episode of each turn, by the turn's id in the file.
    pub(crate) episodes: HashMap<String, String>,
}

/// Embedding a turn takes some 20 ms on one core; a long export takes its time.
const EMBED_WAIT_MAX: Duration = Duration::from_secs(3_600);

pub(crate) async fn ingest(
    client: &Client,
    conversation: &Conversation,
    output: Output,
) -> Result<Ingested> {
    let assistant = format!("demo {}", conversation.title).chars().take(100).collect::<String>();
    let mut ingested = Ingested { assistant, turns: HashMap::new(), episodes: HashMap::new() };
    let progress = import::progress(conversation, output);
    let mut added = 0;
    for session in &conversation.sessions {
        let imported = import::send(client, session, &ingested.assistant, None).await?;
        added += imported.added;
        for (turn, line) in session.turns.iter().zip(imported.episodes) {
            ingested.episodes.insert(line.turn, line.episode.clone());
            ingested.turns.insert(line.episode, (turn.clone(), session.id.clone()));
        }
        progress.inc(session.turns.len() as u64);
    }
    progress.finish_and_clear();
    for line in &conversation.skipped {
        output.note(&format!("left out: {line}"));
    }
    output.note(&format!(
        "\u{201C}{}\u{201D}: {} turns in {} sessions ({added} new)",
        conversation.title,
        ingested.turns.len(),
        conversation.sessions.len()
    ));
    wait_for_vectors(client, added, output).await?;
    Ok(ingested)
}

async fn wait_for_vectors(client: &Client, added: usize, output: Output) -> Result<()> {
    let progress = if output.is_json() || added == 0 {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(added as u64)
    };
    let started = tokio::time::Instant::now();
    loop {
        let status: Value = client.get("/backstay/v1/status").await?;
        if status["embedding"]["model"].is_null() {
            output.note(
                "no embedding model: recall by words and structure only (`backstay models pull`)",
            );
            return Ok(());
        }
        let pending = status["embedding"]["pending"].as_u64().unwrap_or(0);
        if pending == 0 {
            progress.finish_and_clear();
            return Ok(());
        }
        progress.set_position((added as u64).saturating_sub(pending));
        if started.elapsed() > EMBED_WAIT_MAX {
            bail!("{pending} turns are still not embedded");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
