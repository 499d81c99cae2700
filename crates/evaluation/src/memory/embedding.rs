//! The embedding model with a stop-watch: how long it takes is told apart from the search itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use backstay_core::{Error, Result};
use backstay_memory::{Embedder, Embedding, Embeddings, UpstreamEmbedder};
use sha2::{Digest as _, Sha256};

/// What is kept, so that no text is embedded twice: about 700 MB with the states of tokens.
const KEPT_MAX: usize = 200_000;

type Key = [u8; 32];

/// What making vectors took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) texts: usize,
    /// Of each call that made any.
    pub(crate) calls: Vec<Duration>,
}

/// An embedding model; clones share what they know.
#[derive(Clone)]
pub(crate) struct TimedEmbedder {
    shared: Arc<Shared>,
}

struct Shared {
    embedder: Embedder,
    kept: Mutex<HashMap<Key, Embedding>>,
    spent: Mutex<Spent>,
}

impl TimedEmbedder {
    pub(crate) fn new(embedder: Embedder) -> Self {
        let (kept, spent) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { embedder, kept, spent }) }
    }

    pub(crate) fn embedder(&self) -> &Embedder {
        &self.shared.embedder
    }

    /// For Backstay's own recall, which embeds through it.
    pub(crate) fn embeddings(&self) -> Embeddings {
        let own = self.clone();
        let embed = move |_, texts: Vec<String>| {
            let own = own.clone();
            async move { own.embed(texts).await }
        };
        let identity = self.shared.embedder.identity().clone();
        Embeddings::Upstream(UpstreamEmbedder::new(identity, embed))
    }

    /// What the model makes of each text, in their order.
    pub(crate) async fn embed(&self, texts: Vec<String>) -> Result<Vec<Embedding>> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || shared.embed(&texts)).await;
        done.map_err(|cause| Error::internal(format!("embedding failed: {cause}")))?
    }

    /// What was spent since the last call.
    pub(crate) fn take_spent(&self) -> Spent {
        std::mem::take(&mut *self.shared.spent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>> {
        let keys: Vec<Key> = texts.iter().map(|text| Sha256::digest(text).into()).collect();
        let mut embeddings: Vec<Option<Embedding>> = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            keys.iter().map(|key| kept.get(key).cloned()).collect()
        };
        let missing: Vec<usize> =
            (0..texts.len()).filter(|place| embeddings[*place].is_none()).collect();
        if !missing.is_empty() {
            let wanted: Vec<&str> = missing.iter().map(|place| texts[*place].as_str()).collect();
            let started = Instant::now();
            let made = self.embedder.embed(&wanted)?;
            self.note(wanted.len(), started.elapsed());
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for (place, embedding) in missing.into_iter().zip(made) {
                if kept.len() < KEPT_MAX {
                    kept.insert(keys[place], embedding.clone());
                }
                embeddings[place] = Some(embedding);
            }
        }
        Ok(embeddings.into_iter().flatten().collect())
    }

    fn note(&self, texts: usize, time: Duration) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.texts += texts;
        spent.calls.push(time);
    }
}
