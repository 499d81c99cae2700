//! A store in a place of its own, and short ways to make what is written to it.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use backstay_core::{
    Charge, EpisodeId, GenerationId, KeyId, MessageId, Money, Name, Price, RequestId, Secret,
    ThreadId, Timestamp, Usage, WorkspaceId,
    chat::{Message, Role, SettlementStatus},
    memory::{RecalledId, Scope, Speaker},
};
use backstay_store::{
    Finish, NewEpisode, NewGeneration, NewMessage, NewThread, NewTurn, PassageVector,
    PostgresOptions, Reserved, SettledAttempt, SettledGeneration, Store, StoreOptions, ThreadTurn,
    TurnRecord, Workspace,
};
use backstay_test_database::TestDatabase;
use tempfile::TempDir;

/// A fresh store with the workspaces `ws_a` and `ws_b`.
pub(crate) struct TestStore {
    place: Place,
    store: Mutex<Option<Store>>,
    /// Kept until the test is over.
    others: Mutex<Vec<Place>>,
}

enum Place {
    Folder(TempDir),
    Database(TestDatabase),
}

impl TestStore {
    pub(crate) async fn sqlite() -> Self {
        Self::at(Place::Folder(TempDir::new().unwrap())).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(Place::Database(TestDatabase::create().await.unwrap())).await
    }

    /// An empty store of the other kind, or of this one.
    pub(crate) async fn empty(&self, of_this_kind: bool) -> Store {
        let is_folder = matches!(self.place, Place::Folder(_));
        let place = match is_folder == of_this_kind {
            true => Place::Folder(TempDir::new().unwrap()),
            false => Place::Database(TestDatabase::create().await.unwrap()),
        };
        let store = place.open().await;
        self.others.lock().unwrap().push(place);
        store
    }

    async fn at(place: Place) -> Self {
        let store = place.open().await;
        for id in ["ws_a", "ws_b"] {
            store.ensure_workspace(&workspace_id(id), id, at(0)).await.unwrap();
        }
        Self { place, store: Mutex::new(Some(store)), others: Mutex::default() }
    }

    pub(crate) fn store(&self) -> Store {
        self.store.lock().unwrap().clone().unwrap()
    }

    /// The workspace that most behaviours are shown in.
    pub(crate) fn a(&self) -> Workspace {
        self.store().workspace(&workspace_id("ws_a"))
    }

    pub(crate) fn b(&self) -> Workspace {
        self.store().workspace(&workspace_id("ws_b"))
    }

    /// Drops the store, without closing it, and opens it again when its process is known to be gone.
    pub(crate) async fn reopen(&self) {
        drop(self.store.lock().unwrap().take());
        if let Place::Database(database) = &self.place {
            database.end_leases().await.unwrap();
        }
        let store = self.place.open().await;
        *self.store.lock().unwrap() = Some(store);
    }

    /// Lets the time pass in which a vector that was asked for is nobody else's to make.
    pub(crate) async fn end_claims(&self) {
        if let Place::Database(database) = &self.place {
            database.end_claims().await.unwrap();
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.place, Place::Database(_))
    }

    /// Every byte that can be read of what the store keeps: of a folder every file, of a database
    /// every row.
    pub(crate) async fn all_bytes(&self) -> Vec<u8> {
        match &self.place {
            Place::Folder(folder) => {
                let files = std::fs::read_dir(folder.path()).unwrap();
                files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
            }
            Place::Database(database) => database.all_rows().await.unwrap().into_bytes(),
        }
    }
}

impl Place {
    async fn open(&self) -> Store {
        let options = match self {
            Self::Folder(folder) => StoreOptions::folder(folder.path()),
            Self::Database(database) => {
                StoreOptions::Postgres(PostgresOptions::new(Secret::new(database.url()).unwrap()))
            }
        };
        Store::open(options).await.unwrap()
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

pub(crate) fn workspace_id(id: &str) -> WorkspaceId {
    WorkspaceId::parse(id).unwrap()
}

pub(crate) fn thread_id(id: &str) -> ThreadId {
    ThreadId::parse(&format!("thr_{id}")).unwrap()
}

pub(crate) fn episode_id(id: &str) -> EpisodeId {
    EpisodeId::parse(&format!("ep_{id}")).unwrap()
}

pub(crate) fn generation_id(id: &str) -> GenerationId {
    GenerationId::parse(&format!("gen_{id}")).unwrap()
}

pub(crate) fn scope(assistant: &str, user: Option<&str>) -> Scope {
    Scope { assistant: Name::parse(assistant).unwrap(), user: user.and_then(Name::parse) }
}

pub(crate) fn ann() -> Scope {
    scope("planner", Some("Ann"))
}

pub(crate) fn intent(id: &str) -> NewGeneration {
    NewGeneration {
        id: generation_id(id),
        request: RequestId::parse("req_1").unwrap(),
        key: KeyId::parse("key_1").unwrap(),
        requested_model: "author/slug".to_owned(),
        stream: true,
        started_at: at(1),
        thread: Some(thread_id("1")),
        assistant: Name::parse("planner"),
        user: Name::parse("Ann"),
        memory_tokens: 12,
        reservation: None,
    }
}

pub(crate) fn settled(id: &str) -> SettledGeneration {
    SettledGeneration {
        id: generation_id(id),
        status: SettlementStatus::Completed,
        provider: Some("openai".to_owned()),
        model: Some("slug-2".to_owned()),
        finished_at: at(2),
        latency_ms: 1_000,
        first_token_ms: Some(200),
        usage: Some(Usage {
            prompt_tokens: 100,
            completion_tokens: 20,
            cached_prompt_tokens: 60,
            cache_write_tokens: 5,
            reasoning_tokens: 7,
            estimated: false,
            provider_cost: Some(Money::from_picodollars(3)),
            cache_write_1h_tokens: 4,
            audio_prompt_tokens: 6,
            audio_completion_tokens: 2,
            image_completion_tokens: 8,
            prompt_images: 9,
            web_searches: 1,
        }),
        price: Some(Price::FREE),
        finish: Some(Finish { reason: "stop".to_owned(), native: Some("end_turn".to_owned()) }),
        error_code: None,
        dropped: vec!["seed".to_owned()],
        attempts: vec![attempt("groq"), attempt("openai")],
        reserved: Reserved::Nothing,
        cached: None,
    }
}

pub(crate) fn attempt(provider: &str) -> SettledAttempt {
    SettledAttempt {
        provider: provider.to_owned(),
        model: "slug-2".to_owned(),
        error_code: (provider == "groq").then_some(backstay_core::ErrorCode::UpstreamOverloaded),
        http_status: Some(if provider == "groq" { 503 } else { 200 }),
        started_at: at(1),
        duration_ms: 150,
        charge: Some(charge(if provider == "groq" { 400 } else { 123_056 })),
    }
}

/// What a provider says that it charges.
pub(crate) fn charge(picodollars: i64) -> Charge {
    let cost = Some(Money::from_picodollars(picodollars));
    let usage = Usage { prompt_tokens: 100, provider_cost: cost, ..Usage::default() };
    Charge::of(usage, Some(Price::FREE))
}

/// A turn of Ann's: what she says and the answer, both remembered.
pub(crate) fn turn(generation: &str, thread: &str, says: &str, answer: &str) -> TurnRecord {
    let thread = thread_id(thread);
    let said = [
        (Role::User, Speaker::User, "Ann", says),
        (Role::Assistant, Speaker::Assistant, "planner", answer),
    ];
    let episodes = said.iter().enumerate().map(|(index, (_, speaker, author, text))| NewEpisode {
        id: fresh_episode(),
        thread: thread.clone(),
        message_index: index,
        speaker: *speaker,
        author: (*author).to_owned(),
        text: (*text).to_owned(),
        said_at: at(2),
    });
    let messages = said.iter().map(|(role, _, author, text)| NewMessage {
        id: MessageId::parse(&format!("msg_{}", next())).unwrap(),
        author: (*author).to_owned(),
        message: Message::text_of(*role, *text),
        said_at: at(2),
        incomplete: false,
        metadata: None,
    });
    let opened = NewThread {
        id: thread.clone(),
        scope: ann(),
        title: None,
        created_at: at(2),
        incognito: false,
    };
    let turn = NewTurn {
        episodes: episodes.collect(),
        thread: ThreadTurn { messages: messages.collect(), thread: opened },
        learn: None,
        operation: None,
        run: None,
    };
    TurnRecord { settled: settled(generation), turn: Some(turn), cache: None }
}

pub(crate) fn kept(record: &TurnRecord) -> &NewTurn {
    record.turn.as_ref().unwrap()
}

pub(crate) fn kept_mut(record: &mut TurnRecord) -> &mut NewTurn {
    record.turn.as_mut().unwrap()
}

/// Begins a call and completes its turn; returns the episodes' ids.
pub(crate) async fn say(
    workspace: &Workspace,
    thread: &str,
    says: &str,
    answer: &str,
) -> Vec<EpisodeId> {
    let id = format!("said{}", next());
    workspace.begin_generation(intent(&id)).await.unwrap();
    let stored = workspace.complete_turn(turn(&id, thread, says, answer)).await.unwrap();
    stored.episodes.into_iter().map(|episode| episode.id).collect()
}

/// Forgets turns; how many.
pub(crate) async fn forget(workspace: &Workspace, ids: &[EpisodeId]) -> usize {
    let ids: Vec<RecalledId> = ids.iter().cloned().map(RecalledId::from).collect();
    workspace.forget(&ids, at(9)).await.unwrap().count()
}

pub(crate) async fn texts(workspace: &Workspace, scope: &Scope) -> Vec<String> {
    let found = workspace.scope_episodes(scope, 0, 1_000).await.unwrap();
    found.episodes.into_iter().map(|episode| episode.text).collect()
}

/// Runs the tasks at the same time and returns what they return.
pub(crate) async fn at_once<T, F>(tasks: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(task.await.unwrap());
    }
    results
}

fn fresh_episode() -> EpisodeId {
    episode_id(&format!("{:08}", next()))
}

fn next() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// A passage's vector, with token states that are told apart by its first number.
pub(crate) fn passage(vector: &[f32]) -> PassageVector {
    let states = vector.first().map_or_else(Vec::new, |first| first.to_le_bytes().to_vec());
    PassageVector { vector: vector.to_vec(), states }
}
