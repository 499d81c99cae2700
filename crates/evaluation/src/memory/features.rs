//! What recall knows about every turn in view of every question: what its weights are fitted to.

use std::{collections::HashSet, io::Write};

use backstay_core::{Error, Result, Timestamp, WorkspaceId};
use backstay_memory::{
    Embedder, Embeddings, Explanation, Memory, MemoryOptions, Profile, RecallOptions,
};
use backstay_store::{Store, StoreOptions};
use serde::Serialize;

use super::{
    dataset::{Dataset, Evidence, Question},
    ingest::{self, Told},
    run::{Phase, Progress},
};

/// Turns of a question that are written down beside the evidence: the best by the present weights.
const TURNS_MAX: usize = 400;

/// One question.
#[derive(Serialize)]
struct Line<'a> {
    conversation: usize,
    kind: &'a str,
    unanswerable: bool,
    profile: Profile,
    /// How many turns are evidence.
    gold: usize,
    /// The strongest evidence in the conversation that it is about, and in another one: share of
    /// the words, best cosine.
    own: (f32, Option<f32>),
    elsewhere: Option<(f32, Option<f32>)>,
    turns: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    gold: bool,
    /// Features that are not 0, by name.
    #[serde(flatten)]
    features: std::collections::BTreeMap<&'a str, f32>,
}

/// Writes a line of JSON for each question that has an answer or has none by intention.
pub async fn write_features(
    dataset: &Dataset,
    embedder: Option<Embedder>,
    out: &mut (dyn Write + Send),
    progress: &dyn Progress,
) -> Result<()> {
    let unwritable = |cause| Error::internal(format!("the features cannot be written: {cause}"));
    let folder = tempfile::tempdir().map_err(unwritable)?;
    let path = folder.path().to_owned();
    let store = Store::open(StoreOptions::folder(path)).await?;
    let workspace = WorkspaceId::default_workspace();
    store.ensure_workspace(&workspace, "features", Timestamp::default()).await?;
    let embeddings = embedder.map_or(Embeddings::None, Embeddings::Builtin);
    let memory = Memory::new(store.clone(), embeddings, MemoryOptions::default());
    progress.begin(Phase::Ingest, dataset.episodes());
    let mut told = Vec::new();
    for (number, conversation) in dataset.conversations.iter().enumerate() {
        told.push(ingest::tell(&store, &workspace, conversation, number).await?);
        progress.advance(conversation.turns().count());
    }
    ingest::embed(&memory, dataset.episodes(), progress).await?;
    progress.begin(Phase::Ask, dataset.questions());
    for (number, conversation) in dataset.conversations.iter().enumerate() {
        let elsewhere = (told.len() > 1).then(|| &told[(number + 1) % told.len()]);
        for question in &conversation.questions {
            progress.advance(1);
            let Evidence::Turns(gold) = &question.evidence else { continue };
            let own = ask(&memory, &workspace, &told[number], question).await?;
            let foreign = match elsewhere {
                Some(other) => Some(ask(&memory, &workspace, other, question).await?),
                None => None,
            };
            let gold: HashSet<usize> = gold.iter().copied().collect();
            let evidence =
                |found: &Explanation| (found.evidence.word_coverage, found.evidence.cosine);
            let line = Line {
                conversation: number,
                kind: &question.kind,
                unanswerable: question.unanswerable,
                profile: own.profile,
                gold: gold.len(),
                own: evidence(&own),
                elsewhere: foreign.as_ref().map(evidence),
                turns: rows(&own, &told[number], &gold),
            };
            serde_json::to_writer(&mut *out, &line).map_err(|cause| unwritable(cause.into()))?;
            out.write_all(b"\n").map_err(unwritable)?;
        }
    }
    drop(memory);
    store.close().await
}

async fn ask(
    memory: &Memory,
    workspace: &WorkspaceId,
    told: &Told,
    question: &Question,
) -> Result<Explanation> {
    let options = RecallOptions::at(question.asked_at);
    memory.explain(workspace, &told.scope, &question.text, options, Vec::new(), usize::MAX).await
}

fn rows<'a>(explanation: &'a Explanation, told: &Told, gold: &HashSet<usize>) -> Vec<Row<'a>> {
    let numbers = told.turns(explanation.items.iter().map(|explained| &explained.item.id));
    let items = explanation.items.iter().zip(numbers);
    items
        .filter(|(explained, number)| explained.rank <= TURNS_MAX || gold.contains(number))
        .map(|(explained, number)| Row {
            gold: gold.contains(&number),
            features: explained.parts.iter().map(|part| (part.feature, part.value)).collect(),
        })
        .collect()
}
