//! A store with two tenants, and what is told to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use backstay_core::{
    EpisodeId, Name, Secret, Timestamp, WorkspaceId,
    memory::{Confidence, MemoryKind, MemoryState, NewStatement, Scope, Speaker, Trust, Validity},
};
use backstay_memory::{
    EmbeddingModel, Embeddings, Memory, MemoryOptions, Recall, RecallOptions, UpstreamEmbedder,
};
use backstay_store::{ImportedThread, ImportedTurn, PostgresOptions, Store, StoreOptions};
use backstay_test_database::TestDatabase;

pub(crate) const LIFE: [&str; 6] = [
    "My sister Anna lives in Porto with two dogs.",
    "That sounds lively!",
    "Next spring I will move to Lisbon to be closer to her.",
    "When exactly?",
    "In April, once my contract at the bakery ends.",
    "Good luck with the packing.",
];

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) memory: Memory,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) fn moment() -> Timestamp {
    Timestamp::parse("2024-05-08T12:00:00Z").unwrap()
}

pub(crate) fn workspace(name: &str) -> WorkspaceId {
    WorkspaceId::parse(&format!("ws_{name}")).unwrap()
}

pub(crate) fn scope(assistant: &str, user: Option<&str>) -> Scope {
    Scope { assistant: Name::parse(assistant).unwrap(), user: user.and_then(Name::parse) }
}

/// Vectors of three numbers: how often a text speaks of the sea, of food, and of anything.
pub(crate) fn toy_embeddings() -> Embeddings {
    toy_embeddings_of("1")
}

pub(crate) fn toy_embeddings_of(revision: &str) -> Embeddings {
    counted_embeddings(revision, Arc::default())
}

/// Counts the texts that it embeds.
pub(crate) fn counted_embeddings(revision: &str, embedded: Arc<AtomicUsize>) -> Embeddings {
    let model = EmbeddingModel { name: "toy".into(), revision: revision.into(), dimension: 3 };
    let vector = |text: &String| {
        let count =
            |words: &[&str]| words.iter().filter(|word| text.contains(**word)).count() as f32;
        vec![count(&["ocean", "beach", "waves"]), count(&["pasta", "dinner", "meal"]), 0.1]
    };
    Embeddings::Upstream(UpstreamEmbedder::new(model, move |_, texts: Vec<String>| {
        embedded.fetch_add(texts.len(), Ordering::Relaxed);
        let vectors = texts.iter().map(vector).collect();
        async move { Ok(vectors) }
    }))
}

impl World {
    pub(crate) async fn new(embeddings: Embeddings) -> Self {
        Self::with(embeddings, MemoryOptions::default()).await
    }

    pub(crate) async fn with(embeddings: Embeddings, options: MemoryOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreOptions::folder(folder.path().to_owned());
        Self { _folder: Some(folder), ..Self::at(store, embeddings, options).await }
    }

    /// One server of those that share a database.
    pub(crate) async fn on(
        database: &TestDatabase,
        embeddings: Embeddings,
        options: MemoryOptions,
    ) -> Self {
        let store = PostgresOptions::new(Secret::new(database.url()).unwrap());
        Self::at(StoreOptions::Postgres(store), embeddings, options).await
    }

    async fn at(store: StoreOptions, embeddings: Embeddings, options: MemoryOptions) -> Self {
        let store = Store::open(store).await.unwrap();
        for name in ["a", "b"] {
            store.ensure_workspace(&workspace(name), name, moment()).await.unwrap();
        }
        let memory = Memory::new(store.clone(), embeddings, options);
        Self { store, memory, _folder: None }
    }

    pub(crate) async fn tell(
        &self,
        tenant: &str,
        scope: &Scope,
        thread: &str,
        texts: &[&str],
    ) -> Vec<EpisodeId> {
        let turns = texts.iter().enumerate().map(|(index, text)| ImportedTurn {
            speaker: if index.is_multiple_of(2) { Speaker::User } else { Speaker::Assistant },
            author: if index.is_multiple_of(2) { "user" } else { "assistant" }.to_owned(),
            text: (*text).to_owned(),
            said_at: Timestamp::from_millis(moment().millis() + 60_000 * index as i64),
        });
        let imported = ImportedThread {
            scope: scope.clone(),
            source: "test".to_owned(),
            external_id: Some(thread.to_owned()),
            title: None,
            turns: turns.collect(),
            imported_at: moment(),
        };
        self.store
            .workspace(&workspace(tenant))
            .import_conversation(imported)
            .await
            .unwrap()
            .ids
            .into_iter()
            .flatten()
            .collect()
    }

    pub(crate) async fn recall(&self, tenant: &str, scope: &Scope, question: &str) -> Recall {
        self.recall_with(tenant, scope, question, RecallOptions::at(moment())).await
    }

    pub(crate) async fn recall_with(
        &self,
        tenant: &str,
        scope: &Scope,
        question: &str,
        options: RecallOptions,
    ) -> Recall {
        self.memory.recall(&workspace(tenant), scope, question, options).await.unwrap()
    }
}

pub(crate) fn at_most(limit: usize) -> RecallOptions {
    RecallOptions { limit, ..RecallOptions::at(moment()) }
}

pub(crate) fn texts(recall: &Recall) -> Vec<&str> {
    recall.items.iter().map(|item| item.text.as_str()).collect()
}

pub(crate) fn statement(text: &str) -> NewStatement {
    NewStatement {
        text: text.to_owned(),
        kind: MemoryKind::Fact,
        subject: None,
        confidence: Confidence::CERTAIN,
        trust: Trust::DirectUser,
        state: MemoryState::Active,
        valid: Validity::default(),
        said_at: moment(),
        expires_at: None,
        pinned: false,
        source: "api".to_owned(),
        learned_by: None,
        sources: Vec::new(),
        metadata: serde_json::Map::new(),
    }
}
