//! How long a recall takes in a large scope, and how much memory its index takes:
//! `cargo run --release -p backstay-evaluation --example scale -- 10000 100000 1000000`
//!
//! `1000000/1000` spreads the turns over so many workspaces and asks each question in one of them at
//! random, loading its index included. With `BACKSTAY_TEST_POSTGRES` set to the URL of an empty
//! database they are kept there (`python3 tests/postgres/run.py cargo run …`, one size at a time),
//! otherwise in a folder: a temporary one, or the one that `BACKSTAY_SCALE_FOLDER` names, which stays
//! (`backstay migrate` moves it to a database, which takes less time than to write it there). With a
//! database `BACKSTAY_SCALE_FROM` says how large a memory is that the database
//! searches, and `BACKSTAY_SCALE_STEPS`, by default `write,index,ask`, which steps are taken: so that
//! the graph over a million vectors can be made at once, after they are written.
//!
//! Turns are made up: words drawn as in natural language (Zipf), vectors of the built-in model's size
//! around a thousand centres, as texts on a thousand subjects would have, token states at random, in
//! conversations of 20 turns. They are written to a real store and recalled through the public
//! interface; the question's own embedding is not in the times.

use std::{error::Error, io::Write as _, time::Instant};

use backstay_core::{
    Clock, EpisodeId, Name, Secret, Timestamp, WorkspaceId,
    memory::{Scope, Speaker},
};
use backstay_memory::{
    Embedding, EmbeddingModel, Embeddings, Memory, MemoryOptions, RecallOptions, TokenStates,
    UpstreamEmbedder,
};
use backstay_store::{
    ImportedThread, ImportedTurn, PassageVector, PostgresOptions, Store, StoreOptions,
};

const DIMENSION: usize = 384;
const TOKENS: usize = 12;
const QUESTION_TOKENS: usize = 7;
const TOKEN_BYTES: usize = 66;
const VOCABULARY: f64 = 30_000.0;
/// Words that are no stop words, as in the turns and questions of LoCoMo.
const WORDS: usize = 12;
const QUESTION_WORDS: usize = 6;
const TURNS_PER_THREAD: usize = 20;
const SUBJECTS: u64 = 1_000;
/// How far vectors of one subject lie apart, of what subjects do: their cosines are about 0.6.
const SPREAD: f64 = 0.8;
const QUESTIONS: usize = 200;

/// xorshift64* (Vigna, 2016): the same turns in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn words(&mut self, count: usize) -> String {
        let word = |_| format!("word{}", VOCABULARY.powf(self.unit()) as u64);
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }

    fn embedding(&mut self, tokens: usize) -> PassageVector {
        let mut centre = Random(1 + self.next() % SUBJECTS);
        // The first numbers of seeds that lie together do so too.
        for _ in 0..8 {
            centre.next();
        }
        let mut number = || (centre.unit() + self.unit() * SPREAD - 0.5 - SPREAD / 2.0) as f32;
        let mut vector: Vec<f32> = (0..DIMENSION).map(|_| number()).collect();
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|number| *number /= length);
        let states = (0..tokens * TOKEN_BYTES).map(|_| self.next().to_le_bytes()[7]).collect();
        PassageVector { vector, states }
    }
}

/// So many turns, over so many workspaces.
#[derive(Clone, Copy)]
struct Size {
    turns: usize,
    workspaces: usize,
}

impl Size {
    fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let (turns, workspaces) = text.split_once('/').unwrap_or((text, "1"));
        Ok(Self { turns: turns.parse()?, workspaces: workspaces.parse()? })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| turns | workspaces | written | indexed | first recall | p50 | p95 | index | store |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    for size in std::env::args().skip(1) {
        writeln!(out, "{}", measure(Size::parse(&size)?).await?)?;
    }
    Ok(())
}

async fn measure(size: Size) -> Result<String, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let options = match std::env::var("BACKSTAY_TEST_POSTGRES") {
        Ok(url) => {
            StoreOptions::Postgres(PostgresOptions::new(Secret::new(url).ok_or("an empty URL")?))
        }
        Err(_) => match std::env::var_os("BACKSTAY_SCALE_FOLDER") {
            Some(kept) => StoreOptions::folder(kept),
            None => StoreOptions::folder(folder.path()),
        },
    };
    let store = Store::open(options).await?;
    let assistant = Name::parse("scale").ok_or("not a name")?;
    let scope = Scope { assistant, user: None };
    let model = EmbeddingModel { name: "m".into(), revision: "1".into(), dimension: DIMENSION };
    let embed = |_, texts: Vec<String>| async move {
        let made = texts.iter().map(|text| {
            let made = Random(text.len() as u64 * 7_919 + 1).embedding(QUESTION_TOKENS);
            Embedding { states: TokenStates::from_bytes(&made.states), vector: made.vector }
        });
        Ok(made.collect::<Vec<_>>())
    };
    let upstream = UpstreamEmbedder::new(model, embed);
    let revision = upstream.model().revision.clone();
    let mut random = Random(42);
    let workspaces: Vec<WorkspaceId> = (0..size.workspaces)
        .map(|number| WorkspaceId::parse(&format!("ws_{number}")).ok_or("not an id"))
        .collect::<Result<_, _>>()?;
    let steps = std::env::var("BACKSTAY_SCALE_STEPS").unwrap_or("write,index,ask".to_owned());
    let does = |step: &str| steps.split(',').any(|other| other == step);
    let began = Instant::now();
    for workspace in workspaces.iter().filter(|_| does("write")) {
        store.ensure_workspace(workspace, "scale", Timestamp::default()).await?;
        let handle = store.workspace(workspace);
        let turns = size.turns / size.workspaces;
        for thread in 0..turns.div_ceil(TURNS_PER_THREAD) {
            let count = TURNS_PER_THREAD.min(turns - thread * TURNS_PER_THREAD);
            let imported = conversation(&mut random, &scope, thread, count);
            let ids: Vec<Option<EpisodeId>> = handle.import_conversation(imported).await?.ids;
            let vectors =
                ids.into_iter().flatten().map(|id| (id, vec![random.embedding(TOKENS)])).collect();
            handle.put_vectors("m", &revision, vectors).await?;
        }
    }
    let written = began.elapsed().as_secs();
    let memory = Memory::new(store.clone(), Embeddings::Upstream(upstream), memory_options()?);
    let began = Instant::now();
    for workspace in workspaces.iter().filter(|_| does("index")) {
        memory.index_scope(workspace, &scope).await?;
    }
    let indexed = began.elapsed().as_secs();
    let before = resident_bytes()?;
    let mut times = Vec::with_capacity(QUESTIONS);
    let mut first = 0.0;
    for number in (0..=QUESTIONS).filter(|_| does("ask")) {
        let question = random.words(QUESTION_WORDS);
        let workspace = &workspaces[random.next() as usize % workspaces.len()];
        let options = RecallOptions::at(Timestamp::default());
        let started = Instant::now();
        memory.recall(workspace, &scope, &question, options).await?;
        let seconds = started.elapsed().as_secs_f64();
        if number == 0 { first = seconds } else { times.push(seconds * 1_000.0) }
    }
    times.sort_by(f64::total_cmp);
    times.resize(QUESTIONS, 0.0);
    let index_mb = resident_bytes()?.saturating_sub(before) / (1024 * 1024);
    let (p50, p95) = (times[QUESTIONS / 2], times[QUESTIONS * 95 / 100]);
    let stored_mb = store.health().await?.size_bytes / (1024 * 1024);
    store.close().await?;
    let Size { turns, workspaces } = size;
    Ok(format!(
        "| {turns} | {workspaces} | {written} s | {indexed} s | {first:.2} s | {p50:.1} ms | {p95:.1} ms | \
         {index_mb} MiB | {stored_mb} MiB |"
    ))
}

fn conversation(random: &mut Random, scope: &Scope, number: usize, count: usize) -> ImportedThread {
    let turn = |place: usize| ImportedTurn {
        speaker: if place.is_multiple_of(2) { Speaker::User } else { Speaker::Assistant },
        author: if place.is_multiple_of(2) { "user" } else { "assistant" }.to_owned(),
        text: random.words(WORDS),
        said_at: Timestamp::from_millis(1_700_000_000_000 + (number * 3_600_000) as i64),
    };
    ImportedThread {
        scope: scope.clone(),
        source: "scale".to_owned(),
        external_id: Some(number.to_string()),
        title: None,
        turns: (0..count).map(turn).collect(),
        imported_at: now(),
    }
}

/// Episodes lie in tables of months by when they are recorded.
fn now() -> Timestamp {
    Clock::default().now()
}

fn memory_options() -> Result<MemoryOptions, Box<dyn Error>> {
    let mut options = MemoryOptions::DEFAULT;
    if let Ok(turns) = std::env::var("BACKSTAY_SCALE_FROM") {
        options.database_from_turns = turns.parse()?;
    }
    Ok(options)
}

/// What the process holds in memory of its own, as Linux counts it: without the parts of the database
/// file that are mapped, which the system takes back when it needs the room.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|rest| rest.split_whitespace().next()).ok_or("no RssAnon")?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}
