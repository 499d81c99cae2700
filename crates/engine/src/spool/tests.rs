use backstay_core::{Charge, KeyId, Money, Price, RequestId, Usage, chat::SettlementStatus};
use backstay_store::{Reserved, SettledAttempt, StoreOptions};

use super::*;

struct Place {
    folder: tempfile::TempDir,
    store: Store,
    workspace: WorkspaceId,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1_000)
}

fn begun(id: &str) -> NewGeneration {
    NewGeneration {
        id: GenerationId::parse(id).unwrap(),
        request: RequestId::unknown(),
        key: KeyId::parse("key_1").unwrap(),
        requested_model: "author/slug".to_owned(),
        stream: false,
        started_at: at(1),
        thread: None,
        assistant: None,
        user: None,
        memory_tokens: 0,
        reservation: None,
    }
}

fn ended(id: &str, cost: i64) -> SettledGeneration {
    let cost = Some(Money::from_picodollars(cost));
    let usage = Usage { prompt_tokens: 5, provider_cost: cost, ..Usage::default() };
    let attempt = SettledAttempt {
        provider: "openai".to_owned(),
        model: "slug".to_owned(),
        error_code: None,
        http_status: Some(200),
        started_at: at(1),
        duration_ms: 10,
        charge: Some(Charge::of(usage, Some(Price::FREE))),
    };
    SettledGeneration {
        id: GenerationId::parse(id).unwrap(),
        status: SettlementStatus::Completed,
        provider: Some("openai".to_owned()),
        model: Some("slug".to_owned()),
        finished_at: at(2),
        latency_ms: 10,
        first_token_ms: None,
        usage: None,
        price: None,
        finish: None,
        error_code: None,
        dropped: Vec::new(),
        attempts: vec![attempt],
        reserved: Reserved::Nothing,
        cached: None,
    }
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::folder(folder.path().join("data"))).await.unwrap();
        let workspace = WorkspaceId::default_workspace();
        store.ensure_workspace(&workspace, "default", at(0)).await.unwrap();
        Self { folder, store, workspace }
    }

    /// As of a process that starts.
    fn spool(&self) -> Spool {
        Spool::new(self.folder.path().join("late"))
    }

    fn file(&self, number: usize) -> PathBuf {
        self.folder.path().join("late").join(format!("calls-{number}.jsonl"))
    }

    async fn begin(&self, spool: &Spool, id: &str) {
        spool.begin(&self.workspace, begun(id)).await.unwrap();
    }

    async fn end(&self, spool: &Spool, id: &str, cost: i64) {
        spool.end(&self.workspace, ended(id, cost)).await.unwrap();
    }

    async fn row(&self, id: &str) -> Option<(SettlementStatus, Option<Money>, bool)> {
        let id = GenerationId::parse(id).unwrap();
        let row = self.store.workspace(&self.workspace).generation(&id).await.unwrap();
        row.map(|row| (row.status, row.cost, row.entered_late))
    }
}

#[tokio::test]
async fn a_call_is_entered_once_with_what_it_cost_and_the_file_is_emptied() {
    let place = Place::new().await;
    let spool = place.spool();
    assert_eq!(spool.enter(&place.store, at(3)).await.unwrap(), 0);
    assert!(!place.file(0).exists(), "nothing is made before it is needed");
    place.begin(&spool, "gen_1").await;
    place.begin(&spool, "gen_2").await;
    place.end(&spool, "gen_1", 70).await;

    assert_eq!(spool.enter(&place.store, at(3)).await.unwrap(), 1);
    assert_eq!(spool.enter(&place.store, at(3)).await.unwrap(), 0, "it is entered already");
    let cost = Some(Money::from_picodollars(70));
    assert_eq!(place.row("gen_1").await, Some((SettlementStatus::Completed, cost, true)));
    assert_eq!(place.row("gen_2").await, None, "it is under way");

    place.end(&spool, "gen_2", 5).await;
    assert_eq!(spool.enter(&place.store, at(4)).await.unwrap(), 1);
    assert_eq!(std::fs::metadata(place.file(0)).unwrap().len(), 0);
    let sums = place.store.workspace(&place.workspace).spent_lately(None, at(5)).await.unwrap();
    assert_eq!(sums.total, Money::from_picodollars(75));
}

#[tokio::test]
async fn what_a_process_left_is_entered_by_the_next() {
    let place = Place::new().await;
    let spool = place.spool();
    place.begin(&spool, "gen_1").await;
    place.end(&spool, "gen_1", 70).await;
    place.begin(&spool, "gen_2").await;
    drop(spool);
    // It died while it wrote; nobody was told that this is kept.
    let mut file = OpenOptions::new().append(true).open(place.file(0)).unwrap();
    file.write_all(br#"{"ended":{"workspace":"ws_default","call":{"id":"gen_2","#).unwrap();
    drop(file);

    let spool = place.spool();
    assert_eq!(spool.enter(&place.store, at(3)).await.unwrap(), 2);
    assert_eq!(place.row("gen_2").await, Some((SettlementStatus::Interrupted, None, true)));
    place.begin(&spool, "gen_3").await;
    place.end(&spool, "gen_3", 1).await;
    assert_eq!(spool.enter(&place.store, at(4)).await.unwrap(), 1);
}

#[tokio::test]
async fn processes_on_one_folder_keep_their_calls_apart() {
    let place = Place::new().await;
    let (one, other) = (place.spool(), place.spool());
    place.begin(&one, "gen_1").await;
    place.begin(&other, "gen_2").await;
    assert!(place.file(0).exists() && place.file(1).exists());
    assert_eq!(other.enter(&place.store, at(3)).await.unwrap(), 0, "no call of its own has ended");
    place.end(&one, "gen_1", 70).await;
    assert_eq!(one.enter(&place.store, at(3)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_stays_kept_while_the_store_refuses_it() {
    let place = Place::new().await;
    let spool = place.spool();
    place.begin(&spool, "gen_1").await;
    place.end(&spool, "gen_1", 70).await;
    let closed =
        Store::open(StoreOptions::folder(place.folder.path().join("other"))).await.unwrap();
    closed.close().await.unwrap();
    assert_eq!(spool.enter(&closed, at(3)).await.unwrap_or(0), 0);
    assert_eq!(spool.enter(&place.store, at(3)).await.unwrap(), 1);
}
