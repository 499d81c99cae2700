//! Several nodes over a real PostgreSQL, against the plainest model of budgets: a list of calls.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use backstay_core::{
    Budget, BudgetPeriod, Charge, ErrorCode, GenerationId, ManualClock, Price, RequestId, Secret,
    Usage, chat::SettlementStatus,
};
use backstay_store::{BudgetOf, PostgresOptions, SettledAttempt, SettledGeneration, StoreOptions};
use backstay_test_database::TestDatabase;

use super::*;

/// Shortly before midnight.
const START_MS: i64 = 1_700_006_395_000;
const DAY_MS: i64 = 86_400_000;
/// What a call is charged whose node is gone.
const PROMPT: i64 = 1;
const KEYS: [&str; 2] = ["key_1", "key_2"];

struct Node {
    store: Store,
    workspace: Workspace,
    slices: Slices,
}

struct Cluster {
    database: TestDatabase,
    hands: ManualClock,
    clock: Clock,
    random: Random,
}

fn money(picodollars: i64) -> Money {
    Money::from_picodollars(picodollars)
}

fn workspace_id() -> WorkspaceId {
    WorkspaceId::default_workspace()
}

impl Cluster {
    async fn start(seed: u64) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let hands = ManualClock::at(Timestamp::from_millis(START_MS));
        let (clock, random) = (Clock::Manual(hands.clone()), Random::seeded(seed));
        Self { database, hands, clock, random }
    }

    async fn node(&self) -> Node {
        let options = PostgresOptions::new(Secret::new(self.database.url()).unwrap());
        let store = Store::open(StoreOptions::Postgres(options)).await.unwrap();
        store.ensure_workspace(&workspace_id(), "default", self.clock.now()).await.unwrap();
        let slices = Slices::new(store.clone(), self.clock.clone(), self.random.clone());
        Node { workspace: store.workspace(&workspace_id()), store, slices }
    }

    fn intent(&self, key: &str, amount: i64) -> NewGeneration {
        let if_lost = attempt(PROMPT, self.clock.now());
        NewGeneration {
            id: GenerationId::new(&self.clock, &self.random).unwrap(),
            request: RequestId::unknown(),
            key: KeyId::parse(key).unwrap(),
            requested_model: "author/slug".to_owned(),
            stream: false,
            started_at: self.clock.now(),
            thread: None,
            assistant: None,
            user: None,
            memory_tokens: 0,
            reservation: Some(backstay_store::Reservation {
                amount: money(amount),
                from: ReserveFrom::Budgets,
                if_lost,
            }),
        }
    }

    /// Of each row of what is spent, what is spent and reserved there together.
    async fn rows(&self) -> Vec<(String, String, i64)> {
        let client = self.database.client().await.unwrap();
        let rows =
            client.query("SELECT api_key, period, spent + reserved FROM spending", &[]).await;
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }

    /// The node is gone, or heard of again.
    async fn set_lease(&self, node: &Node, ends_at: i64) {
        let facts = node.store.database().await.unwrap().unwrap();
        let this = facts.nodes.into_iter().find(|row| row.this).unwrap();
        let client = self.database.client().await.unwrap();
        let setting = "UPDATE nodes SET lease_ends = $1 WHERE id = $2";
        client.execute(setting, &[&ends_at, &this.id]).await.unwrap();
    }
}

fn attempt(cost: i64, at: Timestamp) -> SettledAttempt {
    let cost = Some(money(cost));
    let usage = Usage { prompt_tokens: 1, provider_cost: cost, ..Usage::default() };
    SettledAttempt {
        provider: "openai".to_owned(),
        model: "slug".to_owned(),
        error_code: None,
        http_status: None,
        started_at: at,
        duration_ms: 0,
        charge: Some(Charge::of(usage, Some(Price::FREE))),
    }
}

impl Node {
    async fn begin(&self, intent: NewGeneration) -> Result<Reservation> {
        self.slices.begin(&self.workspace, intent).await.map(|held| held.unwrap())
    }

    /// As an open call does at its end. Whether it was the first to settle the call.
    async fn settle(&self, call: &OpenCall, cost: i64) -> bool {
        let settled = SettledGeneration {
            id: call.id.clone(),
            status: SettlementStatus::Completed,
            provider: None,
            model: None,
            finished_at: call.at,
            latency_ms: 1,
            first_token_ms: None,
            usage: None,
            price: None,
            finish: None,
            error_code: None,
            dropped: Vec::new(),
            attempts: vec![attempt(cost, call.at)],
            reserved: call.reservation.place(),
            cached: None,
        };
        let first = self.workspace.settle_generation(settled).await.unwrap();
        if first {
            let key = KeyId::parse(&call.key).unwrap();
            self.slices.settled((&workspace_id(), &key), &call.reservation, money(cost));
        }
        first
    }
}

struct OpenCall {
    node: usize,
    id: GenerationId,
    key: String,
    at: Timestamp,
    amount: i64,
    reservation: Reservation,
}

/// What a budget is of: a key, or "" for the workspace; and its period.
type Place = (&'static str, BudgetPeriod);

/// Budgets as they are meant: every call counts what it cost, or what it may cost while it is open.
#[derive(Default)]
struct Model {
    limits: Vec<(Place, i64)>,
    spent: Vec<(String, Timestamp, i64)>,
    open: Vec<OpenCall>,
}

impl Model {
    fn limit(&mut self, place: Place, limit: Option<i64>) {
        self.limits.retain(|(other, _)| *other != place);
        self.limits.extend(limit.map(|limit| (place, limit)));
    }

    fn gone(&self, (of, period): Place, now: Timestamp) -> (i64, i64) {
        let span = period.at(now);
        let counts = |key: &str, at: Timestamp| (of.is_empty() || of == key) && span.holds(at);
        let spent = self.spent.iter().filter(|(key, at, _)| counts(key, *at)).map(|call| call.2);
        let open = self.open.iter().filter(|call| counts(&call.key, call.at));
        (spent.sum(), open.map(|call| call.amount).sum())
    }

    fn admits(&self, key: &str, amount: i64, now: Timestamp) -> bool {
        let of = self.limits.iter().filter(|((of, _), _)| of.is_empty() || *of == key);
        of.into_iter().all(|(place, limit)| {
            let (spent, reserved) = self.gone(*place, now);
            spent + reserved + amount <= *limit
        })
    }

    fn settle(&mut self, index: usize, cost: i64) -> OpenCall {
        let call = self.open.swap_remove(index);
        self.spent.push((call.key.clone(), call.at, cost));
        call
    }
}

/// Numbers that a seed determines.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % u64::try_from(end).unwrap()).unwrap()
    }
}

async fn check(cluster: &Cluster, node: &Node, model: &Model, step: &str) {
    let now = cluster.clock.now();
    for of in ["", KEYS[0], KEYS[1]] {
        let key = KeyId::parse(of);
        let whose = key.as_ref().map_or(BudgetOf::Workspace, BudgetOf::Key);
        for row in node.workspace.budgets(whose, now).await.unwrap() {
            let shown = (row.spent.picodollars(), row.reserved.picodollars());
            assert_eq!(shown, model.gone((of, row.period), now), "{of} {:?} {step}", row.period);
        }
    }
    for (of, period, held) in cluster.rows().await {
        let same = |(place, _): &&(Place, i64)| place.0 == of && place.1.as_str() == period;
        let (place, limit) = model.limits.iter().find(same).unwrap();
        // What was admitted before the limit was lowered; the row may be of a period that is over.
        let (spent, reserved) = model.gone((place.0, BudgetPeriod::Total), now);
        assert!(held <= (spent + reserved).max(*limit), "{of} {period} holds {held} {step}");
    }
}

async fn set_budgets(cluster: &Cluster, node: &Node, model: &Model) {
    for of in ["", KEYS[0], KEYS[1]] {
        let key = KeyId::parse(of);
        let whose = key.as_ref().map_or(BudgetOf::Workspace, BudgetOf::Key);
        let mine = model.limits.iter().filter(|((place, _), _)| *place == of);
        let budgets: Vec<Budget> = mine
            .map(|((_, period), limit)| Budget { period: *period, limit: money(*limit) })
            .collect();
        node.workspace.set_budgets(whose, &budgets, cluster.clock.now()).await.unwrap();
    }
}

/// Whatever nodes do, in whatever order: a call is admitted exactly when the model admits it, every
/// budget shows what the model says, and no row ever holds more than its limit.
async fn nodes_follow_the_model(seed: u64, steps: usize) {
    let cluster = Cluster::start(seed).await;
    let mut nodes = [cluster.node().await, cluster.node().await, cluster.node().await];
    let mut model = Model::default();
    model.limit((KEYS[0], BudgetPeriod::Day), Some(6_000));
    model.limit((KEYS[0], BudgetPeriod::Total), Some(9_000));
    model.limit(("", BudgetPeriod::Month), Some(12_000));
    set_budgets(&cluster, &nodes[0], &model).await;
    let mut dice = Dice(seed);
    let (mut in_slices, mut refused) = (0, 0);
    for step in 0..steps {
        let at = usize::try_from(dice.below(3)).unwrap();
        let what = dice.below(100);
        let told = format!("at step {step} ({what}) of seed {seed}");
        match what {
            0..50 => {
                let key = KEYS[usize::from(dice.below(3) == 0)];
                let most = if dice.below(8) == 0 { 3_000 } else { 60 };
                let amount = 1 + dice.below(most);
                let intent = cluster.intent(key, amount);
                let (id, now) = (intent.id.clone(), intent.started_at);
                let admitted = model.admits(key, amount, now);
                match nodes[at].begin(intent).await {
                    Ok(reservation) => {
                        assert!(admitted, "a call for {amount} was admitted {told}");
                        in_slices += usize::from(reservation.slice.is_some());
                        let key = key.to_owned();
                        model.open.push(OpenCall {
                            node: at,
                            id,
                            key,
                            at: now,
                            amount,
                            reservation,
                        });
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error} {told}");
                        assert!(!admitted, "a call for {amount} was refused {told}: {error}");
                        refused += 1;
                    }
                }
            }
            50..85 if !model.open.is_empty() => {
                let index = dice.below(i64::try_from(model.open.len()).unwrap());
                let index = usize::try_from(index).unwrap();
                let cost = dice.below(model.open[index].amount / 2 + 1);
                let call = model.settle(index, cost);
                assert!(nodes[call.node].settle(&call, cost).await, "{told}");
            }
            85..91 => nodes[at].slices.tend().await.unwrap(),
            91..94 => cluster.hands.advance_ms(dice.below(3_000)),
            94 => cluster.hands.advance_ms(dice.below(DAY_MS)),
            // A node is taken for gone: it was killed, or it only slept, and finds its slices ended.
            95 | 96 => {
                let other = &nodes[(at + 1) % 3];
                cluster.set_lease(&nodes[at], 0).await;
                other.store.settle_interrupted(cluster.clock.now()).await.unwrap();
                while let Some(index) = model.open.iter().position(|call| call.node == at) {
                    let call = model.settle(index, PROMPT);
                    assert!(!nodes[at].settle(&call, 50).await, "a late write counted {told}");
                }
                match what {
                    95 => nodes[at] = cluster.node().await,
                    _ => cluster.set_lease(&nodes[at], i64::MAX).await,
                }
            }
            97 | 98 => {
                let total = 6_000 + dice.below(6_000);
                model.limit((KEYS[0], BudgetPeriod::Total), Some(total));
                let week = (dice.below(2) == 0).then_some(5_000);
                model.limit((KEYS[1], BudgetPeriod::Week), week);
                set_budgets(&cluster, &nodes[at], &model).await;
            }
            _ => nodes[at].slices.end_all().await.unwrap(),
        }
        check(&cluster, &nodes[at], &model, &told).await;
    }
    assert!(in_slices > steps / 20, "{in_slices} calls of {steps} steps drew on slices");
    assert!(refused > 0, "no call was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_slices_are_told_apart_from_the_plain_rule_by_nothing() {
    for seed in 1..=3 {
        nodes_follow_the_model(seed, 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_callers_at_once_on_several_nodes_no_budget_ever_holds_more_than_its_limit() {
    const LIMIT: i64 = 40_000;
    let cluster = Arc::new(Cluster::start(7).await);
    let mut model = Model::default();
    model.limit((KEYS[0], BudgetPeriod::Total), Some(LIMIT));
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Arc::new(cluster.node().await));
    }
    set_budgets(&cluster, &nodes[0], &model).await;
    let (spent, refused) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let done = Arc::new(AtomicBool::new(false));

    let (watched, over) = (Arc::clone(&cluster), Arc::clone(&done));
    let watching = tokio::spawn(async move {
        let mut looks = 0;
        while !over.load(Ordering::Relaxed) {
            for (_, _, held) in watched.rows().await {
                assert!(held <= LIMIT, "{held} of {LIMIT}");
            }
            looks += 1;
        }
        looks
    });
    // Slices are ended under the callers' hands, and costs entered.
    let (ending, over) = (nodes.clone(), Arc::clone(&done));
    let meddling = tokio::spawn(async move {
        let mut dice = Dice(11);
        while !over.load(Ordering::Relaxed) {
            let slices = &ending[usize::try_from(dice.below(3)).unwrap()].slices;
            let outcome =
                if dice.below(4) == 0 { slices.end_all().await } else { slices.tend().await };
            outcome.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let callers: Vec<_> = (0..60)
        .map(|number: usize| {
            let (cluster, node) = (Arc::clone(&cluster), Arc::clone(&nodes[number % 3]));
            let (spent, refused) = (Arc::clone(&spent), Arc::clone(&refused));
            tokio::spawn(async move {
                let mut dice = Dice(number as u64);
                for _ in 0..25 {
                    let amount = 20 + dice.below(40);
                    let intent = cluster.intent(KEYS[0], amount);
                    let (id, at) = (intent.id.clone(), intent.started_at);
                    match node.begin(intent).await {
                        Ok(reservation) => {
                            let key = KEYS[0].to_owned();
                            let call = OpenCall { node: 0, id, key, at, amount, reservation };
                            let cost = amount - dice.below(10);
                            assert!(node.settle(&call, cost).await);
                            spent.fetch_add(cost, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error}");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    meddling.await.unwrap();
    assert!(watching.await.unwrap() > 0);

    let spent = spent.load(Ordering::Relaxed);
    let key = KeyId::parse(KEYS[0]).unwrap();
    let row =
        &nodes[0].workspace.budgets(BudgetOf::Key(&key), cluster.clock.now()).await.unwrap()[0];
    assert_eq!((row.spent, row.reserved), (money(spent), Money::ZERO));
    assert!(refused.load(Ordering::Relaxed) > 0, "the budget was never used up");
    assert!(spent > LIMIT - 1_000, "{spent} of {LIMIT} could be spent");
    for node in &nodes {
        node.slices.end_all().await.unwrap();
    }
    let rows = cluster.rows().await;
    assert_eq!(rows, [(KEYS[0].to_owned(), "total".to_owned(), spent)], "all is entered and free");
}
