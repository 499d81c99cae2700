//! Vectors of texts: who makes them.

mod embedder;
mod word_pieces;

use std::{future::Future, pin::Pin, sync::Arc};

use backstay_core::{Error, Result};
pub use embedder::{Embedder, EmbedderOptions};
use serde::Serialize;

/// Which model made a vector. Vectors of different models or revisions are never compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EmbeddingModel {
    pub name: String,
    /// Changes when the weights change.
    pub revision: String,
    /// Numbers in a vector; 0 while it is not known yet.
    pub dimension: usize,
}

/// Who turns text into vectors.
#[derive(Clone)]
pub enum Embeddings {
    /// A model in this process.
    Builtin(Embedder),
    /// A model that someone else runs.
    Upstream(UpstreamEmbedder),
    /// Nobody: recall works by words and conversation structure.
    None,
}

type Embedding = Pin<Box<dyn Future<Output = Result<Vec<Vec<f32>>>> + Send>>;

/// A model that someone else runs, as a function from texts to one vector for each.
#[derive(Clone)]
pub struct UpstreamEmbedder {
    model: EmbeddingModel,
    embed: Arc<dyn Fn(Vec<String>) -> Embedding + Send + Sync>,
}

impl UpstreamEmbedder {
    pub fn new<F>(
        model: EmbeddingModel,
        embed: impl Fn(Vec<String>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<Vec<f32>>>> + Send + 'static,
    {
        Self { model, embed: Arc::new(move |texts| Box::pin(embed(texts))) }
    }
}

/// How soon a vector is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Someone waits for it.
    Now,
    Background,
}

impl Embeddings {
    pub fn model(&self) -> Option<&EmbeddingModel> {
        match self {
            Self::Builtin(embedder) => Some(embedder.identity()),
            Self::Upstream(upstream) => Some(&upstream.model),
            Self::None => None,
        }
    }

    /// One vector of length 1 per text, in their order; none at all when there is no model.
    pub(crate) async fn embed(
        &self,
        texts: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<Vec<f32>>> {
        let count = texts.len();
        let mut vectors = match self {
            Self::None => return Ok(Vec::new()),
            Self::Upstream(upstream) => (upstream.embed)(texts).await?,
            Self::Builtin(embedder) => {
                let embedder = embedder.clone();
                let work = move || {
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    match urgency {
                        Urgency::Now => embedder.embed_now(&texts),
                        Urgency::Background => embedder.embed(&texts),
                    }
                };
                let done = tokio::task::spawn_blocking(work).await;
                done.map_err(|cause| Error::internal(format!("embedding failed: {cause}")))??
            }
        };
        if vectors.len() != count {
            let message = format!("{} vectors came back for {count} texts", vectors.len());
            return Err(Error::internal(message));
        }
        vectors.iter_mut().for_each(|vector| normalise(vector));
        Ok(vectors)
    }
}

/// To length 1, so that a scalar product is a cosine. A zero vector stays one.
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    }
}
