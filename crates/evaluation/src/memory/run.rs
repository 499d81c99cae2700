//! One measurement, from a data set to a report.

use std::path::Path;

use backstay_core::{Error, Result, Timestamp, WorkspaceId};
use backstay_memory::{Embedder, Embeddings, Memory, MemoryOptions, Profile};
use backstay_store::{PostgresOptions, Store, StoreOptions};

use super::{
    answers::{self, Readers},
    ask::{Answered, Asker},
    dataset::Dataset,
    embedding::{Spent, TimedEmbedder},
    ingest::{self, Told},
    report::Report,
    summary::{self, Measured},
};

/// How a data set is measured.
pub struct Options<'a> {
    /// The embedding model, or why there is none: without it recall goes by words and structure,
    /// and the baselines with vectors are absent.
    pub embedder: std::result::Result<Embedder, String>,
    /// An empty database that keeps the memories and searches them, however small they are; `None`
    /// keeps them in a folder.
    pub database: Option<PostgresOptions>,
    /// `None` lets Backstay choose by what the turns look like, as it does in a server.
    pub profile: Option<Profile>,
    /// Models that answer from what is recalled, and judge; `None` calls no model at all.
    pub readers: Option<Readers<'a>>,
}

/// Blocks are small, so that most of a conversation is in some.
const SEARCHED_BY_DATABASE: MemoryOptions =
    MemoryOptions { database_from_turns: 0, block_turns: 64, ..MemoryOptions::DEFAULT };

/// What takes the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Turns are written into the store.
    Ingest,
    /// They are given vectors.
    Embed,
    /// Questions are asked.
    Ask,
    /// A model answers them, and another judges.
    Answer,
}

/// Is told how far a measurement is.
pub trait Progress: Send + Sync {
    /// A phase begins, of so many turns or questions.
    fn begin(&self, phase: Phase, total: usize);
    /// So many more of them are done.
    fn advance(&self, count: usize);
}

/// Tells everything to a store of its own in a temporary folder, asks every question of Backstay and
/// of the baselines, and counts. Dropping the future ends it and removes the folder.
pub async fn run(
    dataset: &Dataset,
    options: Options<'_>,
    progress: &dyn Progress,
) -> Result<Report> {
    let folder = tempfile::tempdir().map_err(|cause| {
        Error::internal(format!("no temporary folder for the bench's store: {cause}"))
    })?;
    let (embedder, reason) = match options.embedder {
        Ok(embedder) => (Some(TimedEmbedder::new(embedder)), None),
        Err(reason) => (None, Some(reason)),
    };
    let (place, memory_options) = match options.database {
        Some(database) => (StoreOptions::Postgres(database), SEARCHED_BY_DATABASE),
        None => (StoreOptions::folder(folder.path().to_owned()), MemoryOptions::DEFAULT),
    };
    let store = Store::open(place).await?;
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "bench", Timestamp::default()).await?;
    let embeddings = embedder.as_ref().map_or(Embeddings::None, TimedEmbedder::embeddings);
    let memory = Memory::new(store.clone(), embeddings, memory_options);

    let told = tell_all(dataset, &store, &workspace, progress).await?;
    if embedder.is_some() {
        ingest::embed(&memory, dataset.episodes(), progress).await?;
    }
    let ingestion = embedder.as_ref().map(TimedEmbedder::take_spent).unwrap_or_default();
    let asker = Asker {
        memory: &memory,
        workspace: &workspace,
        embedder: embedder.as_ref(),
        profile: options.profile,
    };
    let (answered, asking) = ask_all(dataset, &told, &asker, progress).await?;
    let methods = asker.methods();
    let answers = match &options.readers {
        Some(readers) => {
            let measured =
                answers::measure(dataset, &told, &memory, &workspace, readers, progress).await?;
            Some(measured)
        }
        None => None,
    };
    drop(memory);
    let stored_bytes = store.health().await?.size_bytes;
    let is_shared = store.is_shared();
    store.close().await?;
    summary::report(Measured {
        dataset,
        profile: options.profile,
        methods,
        answered,
        answers,
        embedder: embedder.as_ref().map(TimedEmbedder::embedder),
        without_vectors: reason,
        ingestion,
        asking,
        store_bytes: if is_shared { stored_bytes } else { folder_bytes(folder.path())? },
    })
}

async fn tell_all(
    dataset: &Dataset,
    store: &Store,
    workspace: &WorkspaceId,
    progress: &dyn Progress,
) -> Result<Vec<Told>> {
    progress.begin(Phase::Ingest, dataset.episodes());
    let mut told = Vec::with_capacity(dataset.conversations.len());
    for (number, conversation) in dataset.conversations.iter().enumerate() {
        told.push(ingest::tell(store, workspace, conversation, number).await?);
        progress.advance(conversation.turns().count());
    }
    Ok(told)
}

/// The answers in the order of the questions, and what embedding the questions took.
async fn ask_all(
    dataset: &Dataset,
    told: &[Told],
    asker: &Asker<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Answered>, Spent)> {
    progress.begin(Phase::Ask, dataset.questions());
    let mut answered = Vec::with_capacity(dataset.questions());
    let mut asking = Spent::default();
    for (number, conversation) in dataset.conversations.iter().enumerate() {
        let room = asker.room(conversation, &told[number]).await?;
        // Turns whose vectors were not kept are embedded again for the baselines.
        let _again = asker.embedder.map(TimedEmbedder::take_spent);
        let elsewhere = (told.len() > 1).then(|| &told[(number + 1) % told.len()]);
        for question in &conversation.questions {
            answered.push(asker.ask(question, &room, elsewhere).await?);
            progress.advance(1);
        }
        let spent = asker.embedder.map(TimedEmbedder::take_spent).unwrap_or_default();
        asking.texts += spent.texts;
        asking.calls.extend(spent.calls);
    }
    Ok((answered, asking))
}

/// What the store takes on disk.
fn folder_bytes(folder: &Path) -> Result<u64> {
    let unreadable = |cause| Error::internal(format!("the store's size is unknown: {cause}"));
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let about = entry.metadata().map_err(unreadable)?;
        bytes += if about.is_dir() { folder_bytes(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
