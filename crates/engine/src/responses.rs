//! OpenAI's Responses with a memory: each kept answer stands for a turn of a thread, and a call may go
//! on from any of them.

use backstay_core::{
    CallContext, Error, ErrorCode, GenerationId, Result, ThreadId, chat::Message,
    memory::MemoryMode,
};
use backstay_store::{NewResponse, StoredResponse, Workspace};
use backstay_wire::{RequestExtension, Stateful, ThreadChoice, generation_of_response};
use serde_json::Value;

use crate::Engine;

/// Keeps the answer of one call when it has ended.
#[derive(Clone)]
pub struct ResponseKeeper {
    engine: Engine,
    context: CallContext,
    previous: Option<GenerationId>,
}

/// A kept answer, with what was said in its turn.
pub struct KeptResponse {
    pub generation: GenerationId,
    /// The response without what was said.
    pub body: Value,
    pub turn: Vec<Message>,
}

impl Engine {
    /// Makes a call go on from where its client says, and has its turn kept if the client wants. What
    /// the client says to Backstay itself holds before that; a client that says nothing has a thread
    /// and no memory.
    ///
    /// # Errors
    /// `NotFound` for an answer that is not there, or is another workspace's.
    pub async fn continue_response(
        &self,
        context: &CallContext,
        stateful: &Stateful,
        extension: Option<RequestExtension>,
    ) -> Result<(Option<RequestExtension>, Option<ResponseKeeper>)> {
        let store = self.store().workspace(&context.workspace);
        let chain = match &stateful.previous {
            None => None,
            Some(id) => {
                let generation = generation_of_response(id).ok_or_else(|| missing_previous(id))?;
                let chain = store.response_chain(&generation).await?;
                Some((generation, chain.ok_or_else(|| missing_previous(id))?))
            }
        };
        if chain.is_none() && !stateful.store {
            return Ok((extension, None));
        }
        let said = extension.unwrap_or(RequestExtension {
            memory: Some(MemoryMode::Off),
            ..RequestExtension::default()
        });
        let (previous, thread, turns) = match chain {
            Some((generation, chain)) => {
                (Some(generation), ThreadChoice::Existing(chain.thread), Some(chain.turns))
            }
            None => (None, said.thread.clone().unwrap_or(ThreadChoice::New), None),
        };
        let extension =
            RequestExtension { thread: Some(thread), turns, discard: !stateful.store, ..said };
        let keeper = stateful.store.then(|| ResponseKeeper {
            engine: self.clone(),
            context: context.clone(),
            previous,
        });
        Ok((Some(extension), keeper))
    }

    /// A kept answer.
    ///
    /// # Errors
    /// `NotFound` for one that is not there, or is another workspace's.
    pub async fn kept_response(&self, context: &CallContext, id: &str) -> Result<KeptResponse> {
        let store = self.store().workspace(&context.workspace);
        let (generation, stored) = find(&store, id).await?;
        let turn = store.turn_messages(&stored.thread, &generation).await?;
        let body = serde_json::from_str(&stored.body)
            .map_err(|cause| Error::internal(format!("a kept response is no JSON: {cause}")))?;
        let turn = turn.into_iter().map(|stored| stored.message).collect();
        Ok(KeptResponse { generation, body, turn })
    }

    /// Deletes a kept answer, and its thread with the last of them.
    ///
    /// # Errors
    /// As [`Engine::kept_response`].
    pub async fn delete_response(&self, context: &CallContext, id: &str) -> Result<()> {
        let store = self.store().workspace(&context.workspace);
        let (generation, _) = find(&store, id).await?;
        let now = self.clock().now();
        let deleted = store.delete_response(&generation, now).await?;
        if let Some(thread) = deleted.ok_or_else(|| missing(id))? {
            store.delete_thread(&thread, now).await?;
        }
        Ok(())
    }
}

impl ResponseKeeper {
    /// Keeps a complete response beside its thread, where its turn is by now.
    pub async fn keep(
        &self,
        generation: &GenerationId,
        thread: &ThreadId,
        response: Value,
    ) -> Result<()> {
        let store = self.engine.store().workspace(&self.context.workspace);
        let kept = store
            .keep_response(NewResponse {
                generation: generation.clone(),
                thread: thread.clone(),
                previous: self.previous.clone(),
                created_at: self.engine.clock().now(),
                body: backstay_wire::without_output(response).to_string(),
            })
            .await?;
        if !kept {
            tracing::debug!(%generation, "an answer in which nothing was said is not kept");
        }
        Ok(())
    }
}

async fn find(store: &Workspace, id: &str) -> Result<(GenerationId, StoredResponse)> {
    let generation = generation_of_response(id).ok_or_else(|| missing(id))?;
    let stored = store.response(&generation).await?;
    Ok((generation, stored.ok_or_else(|| missing(id))?))
}

fn missing(id: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no response {id}, or it was not stored"))
}

fn missing_previous(id: &str) -> Error {
    missing(id).with_parameter("previous_response_id")
}
