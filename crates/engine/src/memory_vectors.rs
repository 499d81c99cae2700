//! What makes memory's vectors. A model upstream is called as any other: through the same routing and
//! onto the same ledger, in the workspace whose memories or question it reads.

use std::sync::Weak;

use backstay_core::{
    CallContext, Error, ErrorCode, KeyId, RequestId, Result, WorkspaceId, chat::ChatRequest,
};
use backstay_memory::{Embedder, EmbeddingModel, Embeddings, UpstreamEmbedder};
use backstay_routing::Endpoint;
use backstay_wire::{EmbeddingInput, EmbeddingRequest, VectorEncoding};
use serde_json::Map;

use crate::{Engine, Parts};

/// Stands for the provider's word that a name always means the same weights.
const REVISION: &str = "upstream";

/// Which model makes memory's vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MemoryVectors {
    /// The one in this process, where its weights are installed.
    #[default]
    Builtin,
    /// None: recall goes by words and conversation structure.
    None,
    /// One that someone else runs, by its catalogue name.
    Upstream(String),
}

/// `engine` is the one that is being made; memory belongs to it and must not keep it alive.
pub(crate) fn embeddings(
    vectors: &MemoryVectors,
    builtin: Option<&Embedder>,
    engine: &Weak<Parts>,
) -> Embeddings {
    match vectors {
        MemoryVectors::None => Embeddings::None,
        MemoryVectors::Builtin => {
            builtin.map_or(Embeddings::None, |embedder| Embeddings::Builtin(embedder.clone()))
        }
        MemoryVectors::Upstream(name) => {
            let (engine, name) = (Weak::clone(engine), name.clone());
            let model =
                EmbeddingModel { name: name.clone(), revision: REVISION.to_owned(), dimension: 0 };
            let embed = move |workspace, texts| {
                let (engine, name) = (Weak::clone(&engine), name.clone());
                async move {
                    let parts = engine.upgrade().ok_or_else(|| {
                        Error::new(ErrorCode::ShuttingDown, "the server is shutting down")
                    })?;
                    Engine { parts }.embed_memories(workspace, name, texts).await
                }
            };
            Embeddings::Upstream(UpstreamEmbedder::new(model, embed))
        }
    }
}

impl Engine {
    /// One vector for each text. By the first endpoint of the name, where it is permitted, and by no
    /// other: vectors of two models must not come to stand under one name.
    async fn embed_memories(
        &self,
        workspace: WorkspaceId,
        name: String,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>> {
        // A budget that cannot be read may be there.
        let has_budget = self.store().workspace(&workspace).has_budget().await.unwrap_or(true);
        let (key, request) = (KeyId::embedding(), RequestId::unknown());
        let context = CallContext::own(workspace, key, request, has_budget);
        let mut ledger = ChatRequest { model: name.clone(), ..ChatRequest::default() };
        self.router().apply_policies(&context, &mut ledger);
        let first = self.catalogue().resolve(&name)?.endpoints.into_iter().next();
        let permitted = self.plan(&context, &ledger, None)?.endpoints;
        let is_first = |endpoint: &Endpoint| {
            first.as_ref().is_some_and(|first| {
                first.provider.id == endpoint.provider.id && first.model == endpoint.model
            })
        };
        let endpoint = permitted.into_iter().find(is_first).ok_or_else(|| {
            let message = format!(
                "the first endpoint of memory.embedding, {name}, may not be used; name one that may"
            );
            Error::new(ErrorCode::NoEndpoints, message)
        })?;
        let request = EmbeddingRequest {
            model: name,
            input: EmbeddingInput::Texts(texts),
            dimensions: None,
            encoding: VectorEncoding::Float,
            fields: Map::new(),
        };
        let endpoint = std::slice::from_ref(&endpoint);
        Ok(self.embed_at(&context, ledger, request, endpoint).await?.reply.vectors)
    }
}
