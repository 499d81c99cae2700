//! Vectors of texts: who makes them.

mod embedder;
mod passages;
mod states;
mod word_pieces;

use std::{future::Future, pin::Pin, sync::Arc};

use backstay_core::{Error, Result, WorkspaceId};
use backstay_store::PassageVector;
pub use embedder::{Embedder, EmbedderOptions};
pub(crate) use passages::{head, passages, passages_under};
use serde::Serialize;
pub(crate) use states::STATE_DIMENSION;
pub use states::TokenStates;

/// Numbers in a vector of the built-in model.
pub(crate) const EMBEDDING_DIMENSION: usize = 384;

/// What a model makes of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// Of length 1, so that a scalar product is a cosine.
    pub vector: Vec<f32>,
    /// Empty for a model that does not tell them.
    pub states: TokenStates,
}

impl From<Vec<f32>> for Embedding {
    fn from(vector: Vec<f32>) -> Self {
        Self { vector, states: TokenStates::default() }
    }
}

impl From<Embedding> for PassageVector {
    fn from(embedding: Embedding) -> Self {
        Self { vector: embedding.vector, states: embedding.states.to_bytes() }
    }
}

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

type Pending = Pin<Box<dyn Future<Output = Result<Vec<Embedding>>> + Send>>;

/// A model that someone else runs, as a function from a workspace's texts to one vector for each, or
/// to one [`Embedding`] for each. It is told the workspace because someone may have to pay.
#[derive(Clone)]
pub struct UpstreamEmbedder {
    model: EmbeddingModel,
    embed: Arc<dyn Fn(WorkspaceId, Vec<String>) -> Pending + Send + Sync>,
}

impl UpstreamEmbedder {
    pub fn new<F, E>(
        model: EmbeddingModel,
        embed: impl Fn(WorkspaceId, Vec<String>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<E>>> + Send + 'static,
        E: Into<Embedding>,
    {
        let embed = move |workspace, texts| -> Pending {
            let pending = embed(workspace, texts);
            Box::pin(async move { Ok(pending.await?.into_iter().map(Into::into).collect()) })
        };
        let revision = with_passages(&model.revision);
        Self { model: EmbeddingModel { revision, ..model }, embed: Arc::new(embed) }
    }

    pub fn model(&self) -> &EmbeddingModel {
        &self.model
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

    /// One for each text, in their order; none at all when there is no model.
    pub(crate) async fn embed(
        &self,
        workspace: &WorkspaceId,
        texts: Vec<String>,
        urgency: Urgency,
    ) -> Result<Vec<Embedding>> {
        let count = texts.len();
        let mut embeddings = match self {
            Self::None => return Ok(Vec::new()),
            Self::Upstream(upstream) => (upstream.embed)(workspace.clone(), texts).await?,
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
        if embeddings.len() != count {
            let message = format!("{} vectors came back for {count} texts", embeddings.len());
            return Err(Error::internal(message));
        }
        embeddings.iter_mut().for_each(|embedding| normalise(&mut embedding.vector));
        Ok(embeddings)
    }
}

/// The revision of a model together with that of what it is given to read.
fn with_passages(revision: &str) -> String {
    format!("{revision}.{}", passages::REVISION)
}

/// To length 1, so that a scalar product is a cosine. A zero vector stays one.
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    }
}
