//! One model call from admission to ledger, without any HTTP framework.
//!
//! Read [`Engine::respond`] first: it holds the order of the stages. The API, the command line,
//! background jobs and tests all go through it.

mod admission;
mod assistants;
mod catalogue;
mod conversation;
mod details;
mod documents;
mod embeddings;
mod generation;
mod history;
mod import;
mod jobs;
mod keys;
mod learning;
mod memory_vectors;
mod meter;
mod metrics;
mod open;
mod options;
mod rerank;
mod reserve;
mod response_cache;
mod responses;
mod run;
mod slices;
mod spool;
mod turn_record;
mod web;

use std::sync::Arc;

use backstay_core::{
    CallContext, Clock, GenerationId, Random, Result, ThreadId,
    chat::{ChatRequest, Settlement},
    memory::Recalled,
};
use backstay_documents::Parser;
use backstay_memory::{Embedder, Memory};
use backstay_providers::{FrameStream, WebSearch};
use backstay_routing::{Catalogue, ConversationKey, Endpoint, Plan, Router, RouterTrace};
use backstay_store::Store;
use backstay_wire::{CacheRequest, RequestExtension};

use details::TurnDetails;
use response_cache::Lookup;
use slices::Slices;
use spool::Spool;

pub use admission::{Access, Admission};
pub use assistants::{AssistantPatch, CloneWish, ClonedAssistant, NewAssistant};
pub use catalogue::{RefreshReport, start_catalogue};
pub use documents::{
    Blobs, BucketBlobs, BytesStream, DocumentLimits, DocumentOptions, DocumentParts,
    DocumentQuestion, DocumentUpload, FolderBlobs, SEARCH_DOCUMENTS_TOOL, SearchedDocuments,
    search_documents_tool,
};
pub use embeddings::{BUILTIN_EMBEDDING_MODEL, TokenCount};
pub use import::{ImportReport, ImportRequest, ImportSession, ImportTurn, ImportedEpisode};
pub use jobs::{Jobs, recover, start as start_jobs};
pub use keys::{
    BootstrapKey, DeviceLogin, DeviceLoginOutcome, IssuedKey, KeyPatch, KeyRequest, bootstrap,
};
pub use learning::{CALL_TOKENS_MAX as LEARNING_CALL_TOKENS_MAX, LearningOptions, LearningStatus};
pub use memory_vectors::MemoryVectors;
pub use options::EngineOptions;
pub use response_cache::{Bypass, CacheOutcome};
pub use responses::{KeptResponse, ResponseKeeper};
pub use run::{
    AutoChoice, BuiltinTool, ClientTool, ContextUse, NewFile, NewRun, Noted, RUN_ID, Run, RunEnd,
    RunEvent, RunPlace, RunSettings, RunStatus, Thinking, ToolOutput, ToolOutputs, Used,
};
pub use web::{
    READ_WEB_PAGE_TOOL, WEB_SEARCH_TOOL, WebAnswer, read_web_page_tool, web_search_tool,
};

/// Everything that a call needs; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    parts: Arc<Parts>,
}

struct Parts {
    store: Store,
    memory: Memory,
    /// The built-in embedding model, where its weights are installed.
    embedder: Option<Embedder>,
    catalogue: Catalogue,
    router: Router,
    /// `None` where nobody searches the web.
    web: Option<WebSearch>,
    admission: Admission,
    /// `None` where no other process shares the store.
    slices: Option<Slices>,
    /// `None` where no call is answered without the store.
    spool: Option<Spool>,
    documents: DocumentParts,
    jobs: Jobs,
    runs: run::ActiveRuns,
    logins: keys::LoginRate,
    clock: Clock,
    random: Random,
    options: EngineOptions,
}

/// What an engine is made of.
pub struct EngineParts {
    pub store: Store,
    pub embedder: Option<Embedder>,
    pub catalogue: Catalogue,
    pub router: Router,
    pub web: Option<WebSearch>,
    pub documents: DocumentParts,
    pub clock: Clock,
    pub random: Random,
    pub options: EngineOptions,
}

/// An answer that has begun, and what is known of it before it ends.
pub struct Reply {
    pub generation: GenerationId,
    pub served: Served,
    /// The thread that the client asked for.
    pub thread: Option<ThreadId>,
    pub recalled: Vec<Recalled>,
    pub memory_tokens: u64,
    /// Of the prompt, what stands for turns of the thread that do not fit into it.
    pub summary_tokens: u64,
    /// Request fields that the chosen provider's wire format could not carry.
    pub dropped_parameters: Vec<String>,
    /// How the endpoint was chosen, where the request asks for it.
    pub router: Option<RouterTrace>,
    /// What became of the wish for a cached answer, where the client has it.
    pub cache: Option<CacheOutcome>,
    /// Whether the store is away, so that nothing was recalled and nothing is kept.
    pub store_is_away: bool,
    /// Ends with a settled event, and after that with an error if the call failed half-way.
    pub frames: FrameStream,
}

/// What a call asks for beside its answer.
struct Asked {
    cache: Option<CacheRequest>,
    details: Option<TurnDetails>,
}

/// An answer that came whole, and what the ledger says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled<T> {
    pub reply: T,
    pub settlement: Settlement,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The provider's name for people: `Groq`.
    pub provider: String,
    /// A name under which the catalogue knows the model.
    pub model: String,
    /// The provider's id, and its own name of the model.
    pub endpoint: (String, String),
    /// Tokens of prompt and answer together; `None` when nobody knows.
    pub context_length: Option<u64>,
}

impl Served {
    pub(crate) fn by(endpoint: &Endpoint) -> Self {
        let is_aggregator = endpoint.provider.is_aggregator;
        let model = if is_aggregator { endpoint.model.clone() } else { endpoint.name() };
        Self {
            provider: endpoint.provider.name.clone(),
            model,
            endpoint: (endpoint.provider.id.clone(), endpoint.model.clone()),
            context_length: endpoint.facts.context_length,
        }
    }
}

impl Engine {
    pub fn new(with: EngineParts) -> Self {
        let EngineParts {
            store,
            embedder,
            catalogue,
            router,
            web,
            documents,
            clock,
            random,
            options,
        } = with;
        let slices =
            store.is_shared().then(|| Slices::new(store.clone(), clock.clone(), random.clone()));
        let spool = options.spool.clone().filter(|_| store.is_shared()).map(Spool::new);
        let admission = Admission::new(store.clone(), clock.clone(), spool.is_some());
        let jobs = Jobs::default();
        let parts = Arc::new_cyclic(|engine| {
            let vectors = memory_vectors::embeddings(&options.vectors, embedder.as_ref(), engine);
            let memory = Memory::new(store.clone(), vectors, options.memory);
            Parts {
                store,
                memory,
                embedder,
                catalogue,
                router,
                web,
                admission,
                slices,
                spool,
                documents,
                jobs,
                runs: run::ActiveRuns::default(),
                logins: keys::LoginRate::default(),
                clock,
                random,
                options,
            }
        });
        Self { parts }
    }

    /// One client call, from its settings to a stream of events. The order matters: a wrong model
    /// name or an impossible filter fails before history is read, recall comes after history because
    /// what the prompt already holds is not recalled again, a prompt that has grown is planned for
    /// anew, and only the request as it would be sent can say whether it was answered before.
    pub async fn respond(
        &self,
        context: &CallContext,
        request: ChatRequest,
        extension: Option<RequestExtension>,
        cache: Option<CacheRequest>,
    ) -> Result<Reply> {
        self.respond_to(context, request, extension, Asked { cache, details: None }).await
    }

    async fn respond_to(
        &self,
        context: &CallContext,
        mut request: ChatRequest,
        extension: Option<RequestExtension>,
        Asked { cache, details }: Asked,
    ) -> Result<Reply> {
        self.router().apply_policies(context, &mut request);
        let conversation = ConversationKey::of(&context.workspace, &request);
        let mut plan = self.plan(context, &request, conversation)?;
        let model = request.model.clone();
        let without_store = context.store_is_away;
        let extension = extension.filter(|_| !without_store);
        let cache = cache.filter(|_| !without_store);
        let keeps_conversation = extension.is_some();
        let window = plan.endpoints.first().and_then(|endpoint| endpoint.facts.context_length);
        let turn =
            conversation::prepare(self, context, request, extension, (details, window)).await?;
        if keeps_conversation {
            plan = self.plan(context, &turn.request, conversation)?;
        }
        let lookup = match cache {
            Some(asked) => Some(response_cache::look_up(self, context, &plan, &turn, asked).await?),
            None => None,
        };
        let cache = lookup.as_ref().map(Lookup::outcome);
        let reply = match lookup {
            Some(Lookup::Hit(hit)) => generation::repeat(self, context, turn, hit).await,
            Some(Lookup::Miss(recording)) => {
                generation::call(self, context, plan, turn, Some(recording)).await
            }
            Some(Lookup::Bypass(_)) | None => {
                generation::call(self, context, plan, turn, None).await
            }
        };
        let reply = reply.map_err(|error| self.parts.catalogue.advise(&model, error))?;
        Ok(Reply { cache, ..reply })
    }

    /// Which endpoints may serve a request, in which order, and why. Nothing is called.
    ///
    /// # Errors
    /// `model_not_found`, `no_endpoints`, `permission_denied`.
    pub fn plan(
        &self,
        context: &CallContext,
        request: &ChatRequest,
        conversation: Option<ConversationKey>,
    ) -> Result<Plan> {
        self.router().plan(self.catalogue(), context, request, conversation)
    }

    /// Waits for what must still be written, gives back what it holds for calls to come, and closes the
    /// store.
    pub async fn shut_down(&self) -> Result<()> {
        self.jobs().shut_down().await;
        if let Some(slices) = self.slices()
            && let Err(error) = slices.end_all().await
        {
            tracing::warn!(%error, cause = error.context(), "slices of budgets were not given back");
        }
        self.store().close().await
    }

    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    pub fn memory(&self) -> &Memory {
        &self.parts.memory
    }

    pub(crate) fn embedder(&self) -> Option<&Embedder> {
        self.parts.embedder.as_ref()
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.parts.catalogue
    }

    pub fn router(&self) -> &Router {
        &self.parts.router
    }

    pub fn admission(&self) -> &Admission {
        &self.parts.admission
    }

    pub(crate) fn slices(&self) -> Option<&Slices> {
        self.parts.slices.as_ref()
    }

    pub(crate) fn spool(&self) -> Option<&Spool> {
        self.parts.spool.as_ref()
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.parts.documents.parser
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.parts.documents.blobs
    }

    pub fn jobs(&self) -> &Jobs {
        &self.parts.jobs
    }

    pub(crate) fn active_runs(&self) -> &run::ActiveRuns {
        &self.parts.runs
    }

    pub(crate) fn login_rate(&self) -> &keys::LoginRate {
        &self.parts.logins
    }

    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    pub fn random(&self) -> &Random {
        &self.parts.random
    }

    pub fn options(&self) -> &EngineOptions {
        &self.parts.options
    }
}
