//! all-MiniLM-L6-v2 on the CPU: a sentence encoder (Reimers and Gurevych, "Sentence-BERT", 2019)
//! whose vectors are the mean of its token states, brought to length 1.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use backstay_core::{Error, ErrorCode, Result};
use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use sha2::{Digest as _, Sha256};

use super::{
    EMBEDDING_DIMENSION, Embedding, EmbeddingModel, TokenStates, normalise, with_passages,
    word_pieces::WordPieces,
};
use crate::weights::{MODEL_FILE, TOKENIZER_FILE};

const NAME: &str = "all-MiniLM-L6-v2";
/// What the model was trained for; the rest of a longer text does not count.
const TOKENS_MAX: usize = 256;
/// More than this cannot be 256 tokens of any use; it is cut before it is read.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Texts that go through the model together.
const BATCH: usize = 8;
const REVISION_DIGITS: usize = 16;
const PIECE_BYTES: usize = 64 * 1024;

/// How much of the machine the model may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedderOptions {
    /// Threads that work on one text. More cost more CPU time for the same text.
    pub threads_per_text: usize,
    /// Questions that are embedded beside each other; background work has a place of its own.
    pub questions_at_once: usize,
}

impl Default for EmbedderOptions {
    fn default() -> Self {
        Self { threads_per_text: 1, questions_at_once: 2 }
    }
}

/// The model. Clones share it.
#[derive(Clone)]
pub struct Embedder {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    options: EmbedderOptions,
    identity: EmbeddingModel,
    /// Read at the first text: a server that only passes calls on does without its 150 MB.
    loaded: OnceLock<Loaded>,
    /// Held while it is read, so that it is read once.
    loading: Mutex<()>,
}

struct Loaded {
    model: Model,
    inputs: Inputs,
    output: NodeId,
    word_pieces: WordPieces,
    background: Arc<ThreadPool>,
    questions: Vec<Arc<ThreadPool>>,
    next_question: AtomicUsize,
}

struct Inputs {
    ids: NodeId,
    mask: NodeId,
    /// Some exports have it, some do not.
    types: Option<NodeId>,
}

impl Embedder {
    /// Reads `model.onnx` and `tokenizer.json` from a folder. Takes tenths of a second of CPU time
    /// and blocks.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::load_with(folder, EmbedderOptions::default())
    }

    pub fn load_with(folder: &Path, options: EmbedderOptions) -> Result<Self> {
        let embedder = Self::open_with(folder, options)?;
        embedder.shared.loaded()?;
        Ok(embedder)
    }

    /// As [`Self::load`], but leaves the reading to the first text: what is here already is the
    /// model's identity, for which the file is read once and not kept.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, EmbedderOptions::default())
    }

    fn open_with(folder: &Path, options: EmbedderOptions) -> Result<Self> {
        // Also the word pieces are small enough to be read for nothing but their errors.
        WordPieces::from_json(&read(folder, TOKENIZER_FILE)?)
            .map_err(|cause| unusable(folder, TOKENIZER_FILE, &cause))?;
        let revision = revision(folder).map_err(|cause| unusable(folder, MODEL_FILE, &cause))?;
        let shared = Shared {
            folder: folder.to_owned(),
            options,
            identity: EmbeddingModel {
                name: NAME.to_owned(),
                revision: with_passages(&revision),
                dimension: EMBEDDING_DIMENSION,
            },
            loaded: OnceLock::new(),
            loading: Mutex::new(()),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub fn identity(&self) -> &EmbeddingModel {
        &self.shared.identity
    }

    /// A vector of length 1 per text, and the states of its tokens. About 10 ms of CPU time for a
    /// sentence; blocks, so never on an async executor's thread.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        let loaded = self.shared.loaded()?;
        loaded.embed(texts, &loaded.background)
    }

    /// As [`Self::embed`], without waiting for background work.
    pub(super) fn embed_now(&self, texts: &[&str]) -> Result<Vec<Embedding>> {
        let loaded = self.shared.loaded()?;
        let next = loaded.next_question.fetch_add(1, Ordering::Relaxed);
        loaded.embed(texts, &loaded.questions[next % loaded.questions.len()])
    }
}

impl Shared {
    /// A failure is not kept: the next text tries again.
    fn loaded(&self) -> Result<&Loaded> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let _alone = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let loaded = Loaded::read(self)?;
        Ok(self.loaded.get_or_init(|| loaded))
    }
}

impl Loaded {
    fn read(shared: &Shared) -> Result<Self> {
        let (folder, options) = (shared.folder.as_path(), shared.options);
        let weights = read(folder, MODEL_FILE)?;
        if with_passages(&digits(&Sha256::digest(&weights))) != shared.identity.revision {
            // Its vectors would be taken for those of the model that was there at the start.
            return Err(unusable(folder, MODEL_FILE, &"it was replaced; start the server again"));
        }
        let word_pieces = WordPieces::from_json(&read(folder, TOKENIZER_FILE)?)
            .map_err(|cause| unusable(folder, TOKENIZER_FILE, &cause))?;
        let model = Model::load(weights).map_err(|cause| unusable(folder, MODEL_FILE, &cause))?;
        let node = |name| model.node_id(name).map_err(|cause| unusable(folder, MODEL_FILE, &cause));
        let inputs = Inputs {
            ids: node("input_ids")?,
            mask: node("attention_mask")?,
            types: model.find_node("token_type_ids"),
        };
        let output = node("last_hidden_state")?;
        let pool = || Arc::new(ThreadPool::with_num_threads(options.threads_per_text.max(1)));
        Ok(Self {
            inputs,
            output,
            model,
            word_pieces,
            background: pool(),
            questions: (0..options.questions_at_once.max(1)).map(|_| pool()).collect(),
            next_question: AtomicUsize::new(0),
        })
    }

    fn embed(&self, texts: &[&str], pool: &Arc<ThreadPool>) -> Result<Vec<Embedding>> {
        let mut tokens = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            tokens.push((index, self.tokens(text)?));
        }
        // Texts of like length go together, so that little is spent on padding.
        tokens.sort_by_key(|(_, ids)| ids.len());
        let mut embeddings = vec![Embedding::default(); texts.len()];
        for batch in tokens.chunks(BATCH) {
            let ids: Vec<&[i32]> = batch.iter().map(|(_, ids)| ids.as_slice()).collect();
            let embedded = self.run(&ids, pool)?;
            for ((index, _), embedding) in batch.iter().zip(embedded) {
                embeddings[*index] = embedding;
            }
        }
        Ok(embeddings)
    }

    fn tokens(&self, text: &str) -> Result<Vec<i32>> {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        self.word_pieces.tokens(text, TOKENS_MAX).map_err(|cause| failed(&cause))
    }

    fn run(&self, texts: &[&[i32]], pool: &Arc<ThreadPool>) -> Result<Vec<Embedding>> {
        let width = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let places = || texts.iter().flat_map(|ids| (0..width).map(|place| ids.get(place)));
        let tensor = |numbers: Vec<i32>| {
            Value::from_shape([texts.len(), width], numbers).map_err(|cause| failed(&cause))
        };
        let ids = tensor(places().map(|id| id.copied().unwrap_or(0)).collect())?;
        let mask = tensor(places().map(|id| i32::from(id.is_some())).collect())?;
        let mut inputs = vec![(self.inputs.ids, ids.into()), (self.inputs.mask, mask.into())];
        if let Some(types) = self.inputs.types {
            inputs.push((types, tensor(vec![0; texts.len() * width])?.into()));
        }
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(pool));
        let outputs = self.model.run(inputs, &[self.output], Some(options));
        let output = outputs.map_err(|cause| failed(&cause))?.into_iter().next();
        let output = output.ok_or_else(|| failed(&"it gave no output"))?;
        let (shape, states) = output.into_shape_vec::<f32, 3>().map_err(|cause| failed(&cause))?;
        if shape != [texts.len(), width, EMBEDDING_DIMENSION] {
            return Err(failed(&format!("its output has the shape {shape:?}")));
        }
        let of_text = states.chunks_exact(width * EMBEDDING_DIMENSION).zip(texts);
        let embedding = |(states, ids): (&[f32], &&[i32])| {
            let states = &states[..ids.len() * EMBEDDING_DIMENSION];
            Embedding { vector: mean(states), states: self.content(ids, states) }
        };
        Ok(of_text.map(embedding).collect())
    }

    /// The states of the tokens that carry content; of all words where none does.
    fn content(&self, ids: &[i32], states: &[f32]) -> TokenStates {
        let kept = |keep: &dyn Fn(i32) -> bool| {
            let mut content = TokenStates::default();
            for (id, state) in ids.iter().zip(states.chunks_exact(EMBEDDING_DIMENSION)) {
                if let Ok(piece) = u16::try_from(*id)
                    && keep(*id)
                {
                    content.push(piece, state);
                }
            }
            content
        };
        let content = kept(&|id| self.word_pieces.is_content(id));
        if content.is_empty() { kept(&|id| !self.word_pieces.is_mark(id)) } else { content }
    }
}

/// The mean of tokens' states, brought to length 1.
fn mean(states: &[f32]) -> Vec<f32> {
    let mut vector = vec![0.0; EMBEDDING_DIMENSION];
    for state in states.chunks_exact(EMBEDDING_DIMENSION) {
        for (sum, number) in vector.iter_mut().zip(state) {
            *sum += number;
        }
    }
    normalise(&mut vector);
    vector
}

/// Digits of the weights' hash, read in pieces.
fn revision(folder: &Path) -> io::Result<String> {
    let mut file = File::open(folder.join(MODEL_FILE))?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digits(&digest.finalize())),
            count => digest.update(&piece[..count]),
        }
    }
}

fn digits(digest: &[u8]) -> String {
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..REVISION_DIGITS.min(digits.len())].to_owned()
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>> {
    std::fs::read(folder.join(file)).map_err(|cause| unusable(folder, file, &cause))
}

fn unusable(folder: &Path, file: &str, cause: &dyn std::fmt::Display) -> Error {
    let path = folder.join(file);
    let message = format!(
        "the embedding model's {} cannot be used: {cause}; 'backstay models pull' installs it",
        path.display()
    );
    Error::new(ErrorCode::InvalidRequest, message)
}

fn failed(cause: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("the embedding model failed: {cause}"))
}
