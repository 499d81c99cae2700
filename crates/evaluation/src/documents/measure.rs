//! What is found by each method.

use backstay_core::{Error, Result};
use backstay_memory::Embedder;

use super::{corpus::Corpus, library::Library, report::FoundBy};
use crate::memory::{
    Progress,
    baselines::{Bm25, nearest},
    bootstrap,
    metrics::{mean, ndcg_at, recall_at},
};

/// Of each ranking.
const DEPTH: usize = 100;

/// Figures of one method, a value for each question.
#[derive(Default)]
struct Figures {
    recall_1: Vec<f64>,
    recall_5: Vec<f64>,
    recall_10: Vec<f64>,
    ndcg_10: Vec<f64>,
}

/// Backstay's search and the baselines, over the same chunks.
pub(super) async fn methods(
    corpus: &Corpus,
    library: &Library,
    embedder: &Embedder,
    progress: &dyn Progress,
) -> Result<Vec<FoundBy>> {
    let texts =
        corpus.files.iter().flat_map(|file| &file.chunks).map(|chunk| chunk.to_index_text());
    let texts: Vec<String> = texts.collect();
    let bm25 = Bm25::new(texts.iter().map(String::as_str));
    // A chunk is as near as the nearest of its passages.
    let (mut passages, mut of_chunk) = (Vec::new(), Vec::new());
    for (number, vectors) in library.vectors().await?.into_iter().enumerate() {
        of_chunk.extend(vectors.iter().map(|_| number));
        passages.extend(vectors);
    }
    let [mut own, mut words, mut meaning] = std::array::from_fn(|_| Figures::default());
    for question in &corpus.questions {
        own.add(&library.search(&question.text, DEPTH).await?, &question.relevant);
        words.add(&bm25.rank(&question.text), &question.relevant);
        let vector = embedded(embedder, &question.text).await?;
        let ranked = nearest(&passages, &vector).into_iter().map(|passage| of_chunk[passage]);
        meaning.add(&first_of_each(ranked), &question.relevant);
        progress.advance(1);
    }
    [("Backstay", None), ("BM25 alone", Some(words)), ("vectors alone", Some(meaning))]
        .into_iter()
        .map(|(name, other)| match other {
            None => own.found_by(name),
            Some(other) => {
                let backstay_ahead = bootstrap::interval(&own.ahead_of(&other))?;
                Ok(FoundBy { backstay_ahead, ..other.found_by(name)? })
            }
        })
        .collect()
}

async fn embedded(embedder: &Embedder, question: &str) -> Result<Vec<f32>> {
    let (embedder, question) = (embedder.clone(), question.to_owned());
    let made = tokio::task::spawn_blocking(move || embedder.embed(&[&question])).await;
    let made = made.map_err(|cause| Error::internal(format!("embedding failed: {cause}")))??;
    Ok(made.into_iter().next().map(|embedding| embedding.vector).unwrap_or_default())
}

fn first_of_each(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    numbers.filter(|number| seen.insert(*number)).collect()
}

impl Figures {
    fn add(&mut self, ranked: &[usize], relevant: &[usize]) {
        let place = |chunk: &usize| ranked.iter().position(|ranked| ranked == chunk);
        let places: Vec<Option<usize>> = relevant.iter().map(place).collect();
        self.recall_1.push(recall_at(&places, 1));
        self.recall_5.push(recall_at(&places, 5));
        self.recall_10.push(recall_at(&places, 10));
        self.ndcg_10.push(ndcg_at(&places, 10));
    }

    /// Of each question the difference: what is hard for both says nothing about either.
    fn ahead_of(&self, other: &Self) -> Vec<f64> {
        self.ndcg_10.iter().zip(&other.ndcg_10).map(|(own, other)| own - other).collect()
    }

    fn found_by(&self, name: &str) -> Result<FoundBy> {
        Ok(FoundBy {
            method: name.to_owned(),
            recall_at_1: mean(&self.recall_1),
            recall_at_5: mean(&self.recall_5),
            recall_at_10: mean(&self.recall_10),
            ndcg_at_10: mean(&self.ndcg_10),
            ndcg_at_10_interval: bootstrap::interval(&self.ndcg_10)?,
            backstay_ahead: None,
        })
    }
}
