//! Tells the store everything, asks every question, and counts.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::{Duration, Instant},
};

use backstay_core::{EpisodeId, Error, Name, ThreadId, Timestamp, WorkspaceId, memory::Scope};
use backstay_memory::{Embedder, Embeddings, Memory, MemoryOptions, RecallOptions};
use backstay_store::{ImportedThread, Store, StoreOptions};

use crate::{
    dataset::{Conversation, Dataset, Question},
    report,
};

/// How deep a ranking is looked at.
pub(crate) const DEPTH: usize = 50;
const EMBED_BATCH: usize = 64;

/// What one question brought.
pub(crate) struct Outcome {
    pub(crate) category: String,
    pub(crate) unanswerable: bool,
    /// Asked of a conversation that it has nothing to do with.
    pub(crate) foreign: bool,
    /// Places of the evidence in the ranking, from 0; `None` when it is not among the first.
    pub(crate) places: Vec<Option<usize>>,
    /// The place of the first session with evidence among the sessions of the ranking.
    pub(crate) session_place: Option<usize>,
    /// The share of the evidence that was packed into the budget.
    pub(crate) packed: f64,
    pub(crate) relevant: bool,
    pub(crate) recall_time: Duration,
}

/// Where the evidence went in the store.
struct Told {
    scope: Scope,
    turns: HashMap<String, (EpisodeId, ThreadId)>,
}

pub(crate) async fn all(dataset: &Dataset, models: Option<&Path>) -> Result<(), Error> {
    measure(dataset, Embeddings::None).await?;
    if let Some(models) = models {
        measure(dataset, Embeddings::Builtin(Embedder::load(models)?)).await?;
    }
    Ok(())
}

async fn measure(dataset: &Dataset, embeddings: Embeddings) -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(|cause| Error::internal(cause.to_string()))?;
    let options = StoreOptions { path: folder.path().to_owned(), ..StoreOptions::default() };
    let store = Store::open(options).await?;
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "bench", Timestamp::default()).await?;
    let title = embeddings.model().map_or("words and structure", |model| &model.name).to_owned();
    let memory = Memory::new(store.clone(), embeddings, MemoryOptions::default());
    let mut told = Vec::new();
    for conversation in &dataset.conversations {
        told.push(tell(&store, &workspace, conversation).await?);
    }
    let embedding = embed_everything(&memory).await?;
    let mut outcomes = Vec::new();
    for (index, conversation) in dataset.conversations.iter().enumerate() {
        for question in &conversation.questions {
            let own = &told[index];
            outcomes.push(ask(&memory, &workspace, own, conversation, question, false).await?);
            let foreign = &told[(index + 1) % told.len()];
            outcomes.push(ask(&memory, &workspace, foreign, conversation, question, true).await?);
        }
    }
    report::show(&title, &outcomes, embedding);
    store.close().await
}

async fn tell(
    store: &Store,
    workspace: &WorkspaceId,
    conversation: &Conversation,
) -> Result<Told, Error> {
    let assistant = Name::parse(&format!("conversation {}", conversation.name))
        .ok_or_else(|| Error::invalid("a conversation's name is unusable"))?;
    let scope = Scope { assistant, user: None };
    let mut turns = HashMap::new();
    for session in &conversation.sessions {
        let said: Vec<_> =
            session.turns.iter().filter(|(_, turn)| !turn.text.trim().is_empty()).collect();
        // LoCoMo has dates of sessions that hold nothing.
        if said.is_empty() {
            continue;
        }
        let thread = ImportedThread {
            scope: scope.clone(),
            source: "bench".to_owned(),
            external_id: Some(session.name.clone()),
            title: None,
            turns: said.iter().map(|(_, turn)| turn.clone()).collect(),
            imported_at: conversation.asked_at,
        };
        let outcome = store.workspace(workspace).import_conversation(thread).await?;
        for ((name, _), id) in said.iter().zip(&outcome.ids) {
            turns.insert(name.clone(), (id.clone(), outcome.thread.clone()));
        }
    }
    Ok(Told { scope, turns })
}

async fn embed_everything(memory: &Memory) -> Result<Option<(usize, Duration)>, Error> {
    let started = Instant::now();
    let mut embedded = 0;
    loop {
        let count = memory.embed_pending(EMBED_BATCH).await?;
        if count == 0 {
            break;
        }
        embedded += count;
    }
    Ok((embedded > 0).then(|| (embedded, started.elapsed())))
}

async fn ask(
    memory: &Memory,
    workspace: &WorkspaceId,
    told: &Told,
    conversation: &Conversation,
    question: &Question,
    foreign: bool,
) -> Result<Outcome, Error> {
    let options = RecallOptions::at(conversation.asked_at);
    let started = Instant::now();
    let recall = memory.recall(workspace, &told.scope, &question.text, options).await?;
    let recall_time = started.elapsed();
    let now = conversation.asked_at;
    let ranked = if foreign {
        Vec::new()
    } else {
        memory.search(workspace, &told.scope, &question.text, DEPTH, now).await?
    };
    let none = Vec::new();
    let names = if foreign { &none } else { &question.evidence };
    let gold: Vec<&(EpisodeId, ThreadId)> =
        names.iter().filter_map(|name| told.turns.get(name)).collect();
    let places = gold.iter().map(|(id, _)| ranked.iter().position(|item| item.id == *id)).collect();
    let gold_sessions: HashSet<&ThreadId> = gold.iter().map(|(_, thread)| thread).collect();
    let mut sessions: Vec<&ThreadId> = Vec::new();
    for item in &ranked {
        if let Some(thread) = &item.thread
            && !sessions.contains(&thread)
        {
            sessions.push(thread);
        }
    }
    let packed = gold.iter().filter(|(id, _)| recall.items.iter().any(|item| item.id == *id));
    Ok(Outcome {
        category: question.category.clone(),
        unanswerable: question.unanswerable,
        foreign,
        session_place: sessions.iter().position(|session| gold_sessions.contains(*session)),
        packed: packed.count() as f64 / gold.len().max(1) as f64,
        places,
        relevant: recall.relevant,
        recall_time,
    })
}
