//! `backstay documents`: files in which a model looks things up.

mod add;
mod show;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    client::{Client, Connection, query},
    output::Output,
};

const PATH: &str = "/backstay/v1/documents";

#[derive(Args)]
pub(crate) struct Documents {
    #[command(subcommand)]
    action: Action,
}

/// Whose documents.
#[derive(Args)]
struct Whose {
    /// The assistant whose documents they are; every conversation with it finds them.
    #[arg(long, conflicts_with_all = ["thread", "message"])]
    assistant: Option<String>,
    /// Only this conversation.
    #[arg(long)]
    thread: Option<String>,
    /// With --thread: the message that they came with.
    #[arg(long, requires = "thread")]
    message: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Upload files, and wait until they are found.
    Add {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        whose: Whose,
        /// Do not wait until they are read.
        #[arg(long)]
        no_wait: bool,
    },
    /// List documents, newest first.
    List {
        #[command(flatten)]
        whose: Whose,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Where the page before this one ended (its `next`).
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show how far a document is, or why it cannot be read.
    Show { id: String },
    /// Find passages, best first, with their file and place.
    Search {
        /// What to look for: a question, or a few words.
        question: String,
        /// In this assistant's documents.
        #[arg(long)]
        assistant: Option<String>,
        /// In this conversation's; with --assistant in both.
        #[arg(long)]
        thread: Option<String>,
        /// Only in this document; may be repeated.
        #[arg(long = "in", value_name = "ID")]
        documents: Vec<String>,
        #[arg(long, default_value_t = 5)]
        limit: usize,
    },
    /// Download a document, byte for byte.
    Get {
        id: String,
        /// The file that it is written to.
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Delete documents for good, with their passages, vectors and bytes.
    Delete {
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

impl Documents {
    /// Fails when a file that was added cannot be read.
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = Client::new(connection)?;
        match self.action {
            Action::Add { files, whose, no_wait } => {
                return add::run(&client, &files, &whose, no_wait, output).await;
            }
            Action::List { whose, limit, cursor } => {
                let query = query(&[
                    ("assistant", whose.assistant.as_deref()),
                    ("thread", whose.thread.as_deref()),
                    ("message", whose.message.as_deref()),
                    ("limit", Some(&limit.to_string())),
                    ("cursor", cursor.as_deref()),
                ]);
                let page: Value = client.get(&format!("{PATH}{query}")).await?;
                output.show(&page, show::list);
            }
            Action::Show { id } => {
                let document: Value = client.get(&format!("{PATH}/{id}")).await?;
                output.show(&document, show::one);
            }
            Action::Search { question, assistant, thread, documents, limit } => {
                let body = json!({
                    "question": question,
                    "assistant": assistant,
                    "thread": thread,
                    "documents": documents,
                    "limit": limit,
                });
                let found: Value = client.post(&format!("{PATH}/search"), &body).await?;
                output.show(&found, show::passages);
            }
            Action::Get { id, output: file } => {
                let bytes = get(&client, &id, &file).await?;
                let done = json!({"id": id, "file": file, "bytes": bytes});
                output.show(&done, |_| format!("{bytes} bytes written to {}", file.display()));
            }
            Action::Delete { ids } => {
                let mut gone: Vec<Value> = Vec::with_capacity(ids.len());
                for id in ids {
                    gone.push(client.delete(&format!("{PATH}/{id}")).await?);
                }
                output.show(&json!({"data": gone}), show::deleted);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// How many bytes there were.
async fn get(client: &Client, id: &str, file: &PathBuf) -> Result<u64> {
    let response = client.send(Method::GET, &format!("{PATH}/{id}/content"), None).await?;
    let written = || format!("cannot write {}", file.display());
    let mut target = tokio::fs::File::create(file).await.with_context(written)?;
    let (mut bytes, mut pieces) = (0, response.bytes_stream());
    while let Some(piece) = pieces.next().await {
        let piece = piece.context("the download broke off; the file is not complete")?;
        bytes += piece.len() as u64;
        target.write_all(&piece).await.with_context(written)?;
    }
    target.flush().await.with_context(written)?;
    Ok(bytes)
}
