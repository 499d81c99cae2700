//! How well passages of documents are found, and how fast documents are read.
//!
//! The sessions of a data set of conversations become files, a Markdown file each; its questions are
//! asked of all files together. A chunk that holds a turn which holds the answer is what is to be found.
//! Beside it stand BM25 alone and vectors alone, over the same chunks.

mod corpus;
mod library;
mod measure;
mod pages;
mod report;

use std::time::{Duration, Instant};

use backstay_core::{Error, Result};
use backstay_documents::Parser;
use backstay_memory::Embedder;

pub use report::{DocumentsReport, FoundBy, Reading};

use crate::memory::{Dataset, Phase, Progress};
use corpus::Corpus;
use library::Library;

/// What is measured and with what.
pub struct DocumentsOptions {
    pub embedder: Embedder,
    /// Reads the PDF whose pages are counted.
    pub parser: Parser,
    /// Pages of that PDF.
    pub pages: u32,
}

/// Measures on a store of its own in a temporary folder.
pub async fn run(
    dataset: &Dataset,
    options: DocumentsOptions,
    progress: &dyn Progress,
) -> Result<DocumentsReport> {
    let DocumentsOptions { embedder, parser, pages } = options;
    let corpus = Corpus::of(dataset)?;
    if corpus.questions.is_empty() {
        let message = "no question of this data set names the turns that hold its answer";
        return Err(Error::invalid(message));
    }
    let reading = pages::measure(&parser, dataset, pages).await?;
    let mut library = Library::open(&embedder).await?;
    progress.begin(Phase::Ingest, corpus.files.len());
    for file in &corpus.files {
        library.add(file).await?;
        progress.advance(1);
    }
    progress.begin(Phase::Embed, library.chunks());
    let embedding = library.embed(progress).await?;
    progress.begin(Phase::Ask, corpus.questions.len());
    let methods = measure::methods(&corpus, &library, &embedder, progress).await?;
    Ok(DocumentsReport {
        files: corpus.files.len(),
        chunks: library.chunks(),
        questions: corpus.questions.len(),
        reading: Reading {
            pages,
            pages_per_second: per_second(pages as usize, reading),
            chunks_embedded_per_second: per_second(library.chunks(), embedding),
        },
        methods,
    })
}

fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::EPSILON)
}

async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let start = Instant::now();
    work.await?;
    Ok(start.elapsed())
}
