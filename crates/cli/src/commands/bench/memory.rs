//! `backstay bench memory`: does recall find what was said?

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use backstay_core::Secret;
use backstay_evaluation::memory::{self, Dataset, Options, Readers, Report};
use backstay_memory::{Embedder, Profile, weights};
use backstay_providers::Environment;
use backstay_server::ModelsFolder;
use backstay_store::PostgresOptions;
use clap::{Args, ValueEnum};

use super::{chat::ServerChat, progress::Bars};
use crate::{client::Connection, output::Output};

/// What a shell expects of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Measure how well memory recalls, beside BM25, vectors and their fusion.
///
/// Tells the conversations of a data set to a store of its own in a temporary folder, asks its
/// questions, and counts how much of the known evidence comes back. Needs no server, no key and no
/// language model. LoCoMo, BEAM, LongMemEval and plain chat JSON are recognised by their shape;
/// bench/memory/README.md says how to obtain them and what the figures mean.
#[derive(Args)]
pub(super) struct MemoryBench {
    /// The file with conversations and questions.
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// Write a page with plots as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The folder with the embedding model [default: where `backstay serve` looks].
    #[arg(long, env = "BACKSTAY_MODELS", value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// Go by words and structure alone, as without an embedding model.
    #[arg(long)]
    no_vectors: bool,
    /// How turns are ranked [default: chosen by what the turns look like].
    #[arg(long)]
    profile: Option<ProfileName>,
    /// Keep the memories in this empty PostgreSQL database and let it search them (`postgres://…`).
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Only the first so many conversations.
    #[arg(long, value_name = "CONVERSATIONS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Also let this model answer from what is recalled, through a running server.
    ///
    /// Needs --judge. Says how good recall, the model and the judge are together; it is reported by
    /// itself, with the prompts.
    #[arg(long, value_name = "MODEL", requires = "judge")]
    answers: Option<String>,
    /// The model that judges the answers.
    #[arg(long, value_name = "MODEL", requires = "answers")]
    judge: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileName {
    Dialogue,
    Assistant,
    Safe,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Dialogue => Self::Dialogue,
            ProfileName::Assistant => Self::Assistant,
            ProfileName::Safe => Self::Safe,
        }
    }
}

impl MemoryBench {
    pub(super) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let bars = Bars::new(output);
        tokio::select! {
            report = self.measure(connection, &bars) => {
                bars.clear();
                output.show(&report?, Report::to_text);
                Ok(ExitCode::SUCCESS)
            }
            interrupted = tokio::signal::ctrl_c() => {
                bars.clear();
                interrupted.context("cannot wait for Ctrl-C")?;
                output.note("interrupted; nothing was kept");
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    }

    async fn measure(&self, connection: &Connection, bars: &Bars) -> Result<Report> {
        if let Some(html) = &self.html {
            check_writable(html)?;
        }
        let path = self.dataset.clone();
        let read = tokio::task::spawn_blocking(move || Dataset::read(&path)).await;
        let mut dataset = read.context("reading the data set failed")??;
        if let Some(limit) = self.limit {
            dataset.conversations.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        let server = ServerChat::new(connection)?;
        let readers = match (&self.answers, &self.judge) {
            (Some(model), Some(judge)) => {
                Some(Readers { chat: &server, model: model.clone(), judge: judge.clone() })
            }
            _ => None,
        };
        let profile = self.profile.map(Profile::from);
        let database = match &self.store {
            Some(url) => {
                let url = Secret::new(url.clone()).context("--store is empty")?;
                Some(PostgresOptions::new(url))
            }
            None => None,
        };
        let options = Options { embedder: self.embedder().await?, database, profile, readers };
        let report = memory::run(&dataset, options, bars).await?;
        if let Some(html) = &self.html {
            std::fs::write(html, report.to_html())
                .with_context(|| format!("cannot write {}", html.display()))?;
        }
        Ok(report)
    }

    /// The model, or why there is none. A folder that was named must hold it.
    async fn embedder(&self) -> Result<Result<Embedder, String>> {
        if self.no_vectors {
            return Ok(Err("--no-vectors was given".to_owned()));
        }
        let default = || ModelsFolder::default_for(&Environment::of_process());
        let folder = self.models.clone().unwrap_or_else(default);
        if self.models.is_none() && !weights::is_installed(&folder) {
            return Ok(Err(format!(
                "the embedding model is not installed in {}; `backstay models pull` installs it",
                folder.display()
            )));
        }
        let loaded = tokio::task::spawn_blocking(move || Embedder::load(&folder)).await;
        Ok(Ok(loaded.context("loading the embedding model failed")??))
    }
}

/// Before minutes of work whose result could not be kept.
fn check_writable(file: &Path) -> Result<()> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        bail!("{} cannot be written: its folder does not exist", file.display());
    }
    Ok(())
}
