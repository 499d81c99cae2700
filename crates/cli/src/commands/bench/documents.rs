//! `backstay bench documents`: are passages found, and how fast are pages read?

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use backstay_documents::{Limits, Parser};
use backstay_evaluation::{
    documents::{self, DocumentsOptions, DocumentsReport},
    memory::Dataset,
};
use backstay_memory::Embedder;
use backstay_providers::Environment;
use backstay_server::ModelsFolder;
use clap::Args;

use super::progress::Bars;
use crate::output::Output;

/// Measure how well passages of documents are found, beside BM25 alone and vectors alone.
///
/// The sessions of a data set become files; its questions are asked of all of them together, and the
/// passages that hold the known evidence are what is to be found. Needs no server, no key and no
/// language model. bench/documents/README.md says how to obtain the data and what the figures mean.
#[derive(Args)]
pub(super) struct DocumentsBench {
    /// The file with conversations and questions.
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// The folder with the embedding model [default: where `backstay serve` looks].
    #[arg(long, env = "BACKSTAY_MODELS", value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// Pages of the PDF whose reading is timed.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pages: u32,
    /// Leave out so many of the first conversations: those that something was chosen by.
    #[arg(long, value_name = "CONVERSATIONS", default_value_t = 0)]
    skip: usize,
    /// Only so many conversations.
    #[arg(long, value_name = "CONVERSATIONS")]
    limit: Option<usize>,
}

impl DocumentsBench {
    pub(super) async fn run(self, output: Output) -> Result<ExitCode> {
        let bars = Bars::new(output);
        let report = self.measure(&bars).await;
        bars.clear();
        output.show(&report?, DocumentsReport::to_text);
        Ok(ExitCode::SUCCESS)
    }

    async fn measure(&self, bars: &Bars) -> Result<DocumentsReport> {
        let path = self.dataset.clone();
        let read = tokio::task::spawn_blocking(move || Dataset::read(&path)).await;
        let mut dataset = read.context("reading the data set failed")??;
        let conversations = dataset.conversations.into_iter().skip(self.skip);
        dataset.conversations = conversations.take(self.limit.unwrap_or(usize::MAX)).collect();
        let default = || ModelsFolder::default_for(&Environment::of_process());
        let folder = self.models.clone().unwrap_or_else(default);
        let loaded = tokio::task::spawn_blocking(move || Embedder::load(&folder)).await;
        let embedder = loaded.context("loading the embedding model failed")??;
        let parser = Parser::of_this_program(Limits::default())?;
        let options = DocumentsOptions { embedder, parser, pages: self.pages };
        Ok(documents::run(&dataset, options, bars).await?)
    }
}
