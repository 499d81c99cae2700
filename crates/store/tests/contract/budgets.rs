//! Budgets: what is spent and what is reserved never exceed the limit together.

use std::sync::atomic::{AtomicU64, Ordering};

use backstay_core::{
    Amount, Budget, BudgetPeriod, Error, ErrorCode, KeyId, Money, Timestamp, chat::SettlementStatus,
};
use backstay_store::{
    BudgetOf, BudgetRow, NewGeneration, Reservation, ReserveFrom, Reserved, SettledAttempt,
    SettledGeneration, Workspace,
};

use crate::harness::{TestStore, at, at_once, attempt, charge, generation_id, intent, settled};

pub(crate) const fn money(picodollars: i64) -> Money {
    Money::from_picodollars(picodollars)
}

pub(crate) fn key() -> KeyId {
    intent("1").key
}

pub(crate) fn budget(period: BudgetPeriod, limit: i64) -> Budget {
    Budget { period, limit: money(limit) }
}

/// The intent of a call that may cost `amount`, of which 3 is for the prompt.
pub(crate) fn reserving(id: &str, amount: i64) -> NewGeneration {
    let if_lost = SettledAttempt { charge: Some(charge(3)), ..attempt("openai") };
    let reservation =
        Some(Reservation { amount: money(amount), from: ReserveFrom::Budgets, if_lost });
    NewGeneration { reservation, ..intent(id) }
}

/// The end of a call that cost so much; `None` for one that failed and cost nothing.
pub(crate) fn costing(id: &str, cost: Option<i64>) -> SettledGeneration {
    let charge = cost.map(charge);
    SettledGeneration {
        attempts: vec![SettledAttempt { charge, ..attempt("openai") }],
        reserved: Reserved::InBudgets,
        ..settled(id)
    }
}

async fn of_key(workspace: &Workspace, now: Timestamp) -> Vec<BudgetRow> {
    workspace.budgets(BudgetOf::Key(&key()), now).await.unwrap()
}

/// What is gone of the key's only budget: spent and reserved.
pub(crate) async fn gone(workspace: &Workspace, now: Timestamp) -> (i64, i64) {
    let rows = of_key(workspace, now).await;
    let [row] = rows.as_slice() else { panic!("one budget, not {rows:?}") };
    (row.spent.picodollars(), row.reserved.picodollars())
}

pub(crate) async fn with_total_of(store: &TestStore, limit: i64) -> Workspace {
    let workspace = store.a();
    let budgets = [budget(BudgetPeriod::Total, limit)];
    workspace.set_budgets(BudgetOf::Key(&key()), &budgets, at(0)).await.unwrap();
    workspace
}

#[track_caller]
fn assert_exceeded(error: &Error, used: i64, reserved: i64) {
    assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error}");
    let hit = error.limit().unwrap();
    let amounts = (hit.used, hit.reserved);
    assert_eq!(amounts, (Amount::Money(money(used)), Amount::Money(money(reserved))), "{error}");
}

pub(crate) async fn a_reservation_becomes_what_the_call_cost(store: &TestStore) {
    let workspace = with_total_of(store, 100).await;
    workspace.begin_generation(reserving("1", 60)).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (0, 60));
    let refused = workspace.begin_generation(reserving("2", 50)).await.unwrap_err();
    assert_exceeded(&refused, 0, 60);
    assert!(refused.retry_after_ms().is_some(), "the running call holds the money");
    assert_eq!(workspace.generation(&generation_id("2")).await.unwrap(), None);

    workspace.settle_generation(costing("1", Some(40))).await.unwrap();
    assert_eq!(gone(&workspace, at(2)).await, (40, 0));
    assert!(!workspace.settle_generation(costing("1", Some(40))).await.unwrap());
    assert_eq!(gone(&workspace, at(2)).await, (40, 0), "settling again changes nothing");

    workspace.begin_generation(reserving("3", 60)).await.unwrap();
    workspace.settle_generation(costing("3", None)).await.unwrap();
    assert_eq!(gone(&workspace, at(2)).await, (40, 0), "what failed is given back");
    let refused = workspace.begin_generation(reserving("4", 61)).await.unwrap_err();
    assert_exceeded(&refused, 40, 0);
    assert_eq!((refused.retry_after_ms(), refused.limit().unwrap().resets_at), (None, None));
}

pub(crate) async fn callers_at_once_never_exceed_a_budget(store: &TestStore) {
    let workspace = with_total_of(store, 100).await;
    let admitted = std::sync::Arc::new(AtomicU64::new(0));
    let callers = (0..400).map(|number| {
        let (workspace, admitted) = (workspace.clone(), std::sync::Arc::clone(&admitted));
        async move {
            let id = format!("c{number}");
            match workspace.begin_generation(reserving(&id, 5)).await {
                Ok(_) => admitted.fetch_add(1, Ordering::Relaxed),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::BudgetExceeded, "{error}");
                    return;
                }
            };
            let cost = (number % 3 > 0).then_some(5);
            assert!(workspace.settle_generation(costing(&id, cost)).await.unwrap());
            let (spent, reserved) = gone(&workspace, at(1)).await;
            assert!(spent + reserved <= 100, "{spent} + {reserved}");
        }
    });
    at_once(callers).await;
    let (spent, reserved) = gone(&workspace, at(1)).await;
    assert_eq!(reserved, 0);
    assert!(spent <= 100 && spent % 5 == 0, "{spent}");
    assert!(admitted.load(Ordering::Relaxed) >= 20);
}

pub(crate) async fn every_budget_has_to_agree(store: &TestStore) {
    let workspace = store.a();
    let of_key = [budget(BudgetPeriod::Day, 50), budget(BudgetPeriod::Month, 1_000)];
    workspace.set_budgets(BudgetOf::Key(&key()), &of_key, at(0)).await.unwrap();
    let of_all = [budget(BudgetPeriod::Week, 80)];
    workspace.set_budgets(BudgetOf::Workspace, &of_all, at(0)).await.unwrap();
    workspace.begin_generation(reserving("1", 50)).await.unwrap();

    let other = KeyId::parse("key_2").unwrap();
    let by_other = |id: &str, amount| NewGeneration { key: other.clone(), ..reserving(id, amount) };
    let refused = workspace.begin_generation(by_other("2", 31)).await.unwrap_err();
    assert_exceeded(&refused, 0, 50);
    assert_eq!(refused.limit().unwrap().per, "week");
    workspace.begin_generation(by_other("3", 30)).await.unwrap();
    workspace.settle_generation(costing("3", Some(10))).await.unwrap();

    let refused = workspace.begin_generation(reserving("4", 1)).await.unwrap_err();
    assert_eq!(refused.limit().unwrap().per, "day");
    let rows = workspace.budgets(BudgetOf::Workspace, at(1)).await.unwrap();
    assert_eq!((rows[0].spent, rows[0].reserved), (money(10), money(50)));
    // The refused call left no trace in the budget that would have agreed.
    let rows = workspace.budgets(BudgetOf::Key(&key()), at(1)).await.unwrap();
    assert_eq!((rows[1].spent, rows[1].reserved), (money(0), money(50)));
    assert!(store.b().budgets(BudgetOf::Workspace, at(1)).await.unwrap().is_empty());
}

pub(crate) async fn a_period_begins_anew_and_a_call_counts_where_it_began(store: &TestStore) {
    const DAY: i64 = 86_400;
    let workspace = store.a();
    let budgets = [budget(BudgetPeriod::Day, 100)];
    workspace.set_budgets(BudgetOf::Key(&key()), &budgets, at(0)).await.unwrap();
    workspace.begin_generation(reserving("late", 90)).await.unwrap();
    let tomorrow = at(DAY);
    let next_day = NewGeneration { started_at: tomorrow, ..reserving("next", 90) };
    workspace.begin_generation(next_day).await.unwrap();
    workspace.settle_generation(costing("late", Some(80))).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (80, 0));
    assert_eq!(gone(&workspace, tomorrow).await, (0, 90));
    let row = &of_key(&workspace, tomorrow).await[0];
    assert!(row.resets_at.is_some_and(|end| end > tomorrow));
    assert_eq!(row.remaining(), money(10));
}

pub(crate) async fn what_was_spent_before_a_budget_counts_in_it(store: &TestStore) {
    let workspace = store.a();
    workspace.begin_generation(intent("before")).await.unwrap();
    let cost = SettledGeneration { reserved: Reserved::Nothing, ..costing("before", Some(30)) };
    workspace.settle_generation(cost).await.unwrap();
    workspace.begin_generation(intent("open")).await.unwrap();

    let workspace = with_total_of(store, 100).await;
    assert_eq!(gone(&workspace, at(1)).await, (30, 0));
    let cost = SettledGeneration { reserved: Reserved::Nothing, ..costing("open", Some(7)) };
    workspace.settle_generation(cost).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (37, 0), "a call that was open counts too");

    workspace.begin_generation(reserving("held", 10)).await.unwrap();
    let raised = [budget(BudgetPeriod::Total, 200), budget(BudgetPeriod::Day, 60)];
    workspace.set_budgets(BudgetOf::Key(&key()), &raised, at(1)).await.unwrap();
    for row in of_key(&workspace, at(1)).await {
        assert_eq!((row.spent, row.reserved), (money(37), money(10)), "{row:?}");
    }
    workspace.set_budgets(BudgetOf::Key(&key()), &[], at(1)).await.unwrap();
    assert!(of_key(&workspace, at(1)).await.is_empty());
    workspace.settle_generation(costing("held", Some(9))).await.unwrap();
    let workspace = with_total_of(store, 100).await;
    assert_eq!(gone(&workspace, at(1)).await, (46, 0));
}

pub(crate) async fn what_a_crash_left_reserved_is_charged_the_prompt(store: &TestStore) {
    let workspace = with_total_of(store, 100).await;
    workspace.begin_generation(reserving("open", 60)).await.unwrap();
    workspace.begin_generation(intent("unlimited")).await.unwrap();
    drop(workspace);
    store.reopen().await;
    assert_eq!(store.store().settle_interrupted(at(9)).await.unwrap(), 2);
    let workspace = store.a();
    assert_eq!(gone(&workspace, at(9)).await, (3, 0));
    let row = workspace.generation(&generation_id("open")).await.unwrap().unwrap();
    assert_eq!((row.status, row.cost), (SettlementStatus::Interrupted, Some(money(3))));
    assert_eq!(row.attempts.len(), 1);
    let row = workspace.generation(&generation_id("unlimited")).await.unwrap().unwrap();
    assert_eq!((row.status, row.cost), (SettlementStatus::Interrupted, None));
}
