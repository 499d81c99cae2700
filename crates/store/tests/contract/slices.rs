//! Slices of budgets: to whoever looks at a budget, or is refused by it, there are none.

use backstay_core::{BudgetPeriod, ErrorCode, KeyId, Money, SliceId, Timestamp};
use backstay_store::{
    Begun, BudgetOf, NewGeneration, Reservation, ReserveFrom, Reserved, SettledGeneration,
    SliceGrant, Workspace,
};

use crate::{
    budgets::{budget, costing, gone, key, money, reserving, with_total_of},
    harness::{TestStore, at, generation_id},
};

const DAY: i64 = 86_400;

fn slice(id: &str) -> SliceId {
    SliceId::parse(&format!("slc_{id}")).unwrap()
}

fn from(new: NewGeneration, from: ReserveFrom) -> NewGeneration {
    let reservation = new.reservation.clone().map(|held| Reservation { from, ..held });
    NewGeneration { reservation, ..new }
}

/// A call that asks for `spare` on top, for a slice of this name if there is none.
fn asking(id: &str, amount: i64, spare: i64) -> NewGeneration {
    let more =
        ReserveFrom::BudgetsForMore { slice: None, otherwise: slice(id), spare: money(spare) };
    from(reserving(id, amount), more)
}

fn drawing(id: &str, amount: i64, on: &SliceId) -> NewGeneration {
    from(reserving(id, amount), ReserveFrom::Slice(on.clone()))
}

fn drawn(id: &str, cost: i64) -> SettledGeneration {
    SettledGeneration { reserved: Reserved::InSlice, ..costing(id, Some(cost)) }
}

async fn granted(workspace: &Workspace, new: NewGeneration) -> SliceGrant {
    match workspace.begin_generation(new).await.unwrap() {
        Begun::WithMore(grant) => grant,
        other => panic!("no slice but {other:?}"),
    }
}

async fn is_gone(workspace: &Workspace, id: &str, of: &SliceId, at: Timestamp) -> bool {
    let new = NewGeneration { started_at: at, ..drawing(id, 1, of) };
    let begun = workspace.begin_generation(new).await.unwrap();
    let row = workspace.generation(&generation_id(id)).await.unwrap();
    assert_eq!(row.is_none(), begun == Begun::SliceIsGone, "{begun:?}");
    begun == Begun::SliceIsGone
}

pub(crate) async fn calls_draw_on_a_slice_and_the_budget_shows_what_they_cost(store: &TestStore) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 10, 40)).await;
    assert_eq!((grant.slice.clone(), grant.spare), (slice("1"), money(40)));
    assert_eq!(gone(&workspace, at(1)).await, (0, 10), "what is to spare is not shown");
    let begun = workspace.begin_generation(drawing("2", 20, &grant.slice)).await.unwrap();
    assert_eq!(begun, Begun::Recorded);
    assert_eq!(gone(&workspace, at(1)).await, (0, 30));
    assert!(workspace.settle_generation(drawn("1", 4)).await.unwrap());
    assert!(!workspace.settle_generation(drawn("1", 4)).await.unwrap());
    assert_eq!(gone(&workspace, at(1)).await, (4, 20), "a cost counts at once");
    assert!(workspace.enter_slice(&grant.slice).await.unwrap());
    assert_eq!(gone(&workspace, at(1)).await, (4, 20), "entered, it counts no more than before");

    let more = ReserveFrom::BudgetsForMore {
        slice: Some(grant.slice.clone()),
        otherwise: slice("other"),
        spare: money(30),
    };
    let again = granted(&workspace, from(reserving("3", 5), more)).await;
    assert_eq!((again.slice, again.spare), (grant.slice.clone(), money(30)));
    workspace.settle_generation(drawn("3", 5)).await.unwrap();

    workspace.end_slice(&grant.slice).await.unwrap();
    workspace.end_slice(&grant.slice).await.unwrap();
    assert!(!workspace.enter_slice(&grant.slice).await.unwrap());
    assert_eq!(gone(&workspace, at(1)).await, (9, 20), "an open call stays reserved");
    assert!(is_gone(&workspace, "4", &grant.slice, at(1)).await);
    workspace.settle_generation(drawn("2", 15)).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (24, 0), "it is settled where it went over to");
    workspace.begin_generation(reserving("all", 976)).await.unwrap();
}

pub(crate) async fn a_slice_is_no_larger_than_a_part_of_what_is_left(store: &TestStore) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 40, 500)).await;
    assert_eq!(grant.spare, money(60), "a sixteenth of 960");
    workspace.end_slice(&grant.slice).await.unwrap();
    workspace.settle_generation(drawn("1", 40)).await.unwrap();
    let begun = workspace.begin_generation(asking("2", 100, 500)).await.unwrap();
    assert_eq!(begun, Begun::Recorded, "less than the call needs is not worth a slice");
    workspace.settle_generation(costing("2", Some(100))).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (140, 0));
}

pub(crate) async fn a_call_is_refused_only_when_no_slice_holds_what_it_lacks(store: &TestStore) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 10, 50)).await;
    workspace.settle_generation(drawn("1", 3)).await.unwrap();
    let refused = workspace.begin_generation(reserving("2", 998)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BudgetExceeded);
    assert_eq!(refused.retry_after_ms(), None, "it is spent, not held: {refused}");
    assert!(!is_gone(&workspace, "3", &grant.slice, at(1)).await, "nothing was to be had from it");
    workspace.settle_generation(drawn("3", 0)).await.unwrap();

    workspace.begin_generation(reserving("4", 997)).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (3, 997));
    assert!(is_gone(&workspace, "5", &grant.slice, at(1)).await);
    let refused = workspace.begin_generation(asking("6", 1, 10)).await.unwrap_err();
    assert!(refused.retry_after_ms().is_some(), "a call under way holds it: {refused}");
}

pub(crate) async fn a_slice_of_the_workspaces_budget_is_ended_for_a_call_of_another_key(
    store: &TestStore,
) {
    let workspace = store.a();
    let of_all = [budget(BudgetPeriod::Month, 1_000)];
    workspace.set_budgets(BudgetOf::Workspace, &of_all, at(0)).await.unwrap();
    let grant = granted(&workspace, asking("1", 10, 50)).await;
    let other = KeyId::parse("key_2").unwrap();
    let by_other = |id: &str, amount| NewGeneration { key: other.clone(), ..reserving(id, amount) };
    workspace.begin_generation(by_other("2", 990)).await.unwrap();
    assert!(is_gone(&workspace, "3", &grant.slice, at(1)).await);
    let rows = workspace.budgets(BudgetOf::Workspace, at(1)).await.unwrap();
    assert_eq!((rows[0].spent, rows[0].reserved), (money(0), money(1_000)));
    assert!(store.b().budgets(BudgetOf::Workspace, at(1)).await.unwrap().is_empty());
}

pub(crate) async fn a_slice_is_of_the_periods_in_which_it_was_taken(store: &TestStore) {
    let workspace = store.a();
    let budgets = [budget(BudgetPeriod::Day, 1_000), budget(BudgetPeriod::Total, 10_000)];
    workspace.set_budgets(BudgetOf::Key(&key()), &budgets, at(0)).await.unwrap();
    let grant = granted(&workspace, asking("1", 10, 50)).await;
    let (today, tomorrow) = (at(1), at(DAY));
    assert!(grant.calls.holds(today) && !grant.calls.holds(tomorrow), "{:?}", grant.calls);
    assert!(is_gone(&workspace, "2", &grant.slice, tomorrow).await);
    assert!(!is_gone(&workspace, "3", &grant.slice, today).await);
    let shown = async |now| -> Vec<(Money, Money)> {
        let rows = workspace.budgets(BudgetOf::Key(&key()), now).await.unwrap();
        rows.iter().map(|row| (row.spent, row.reserved)).collect()
    };
    // A call of yesterday may be settled before or after its slice has ended.
    workspace.settle_generation(drawn("1", 8)).await.unwrap();
    assert_eq!(shown(tomorrow).await, [(money(0), money(0)), (money(8), money(1))]);
    workspace.end_slice(&grant.slice).await.unwrap();
    workspace.settle_generation(drawn("3", 1)).await.unwrap();
    assert_eq!(shown(today).await, [(money(9), money(0)), (money(9), money(0))]);
    assert_eq!(shown(tomorrow).await, [(money(0), money(0)), (money(9), money(0))]);
}

pub(crate) async fn a_budget_that_is_changed_ends_its_slices_and_counts_each_call_once(
    store: &TestStore,
) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 10, 50)).await;
    workspace.begin_generation(drawing("2", 20, &grant.slice)).await.unwrap();
    workspace.settle_generation(drawn("1", 7)).await.unwrap();

    let changed = [budget(BudgetPeriod::Total, 30), budget(BudgetPeriod::Month, 500)];
    workspace.set_budgets(BudgetOf::Key(&key()), &changed, at(1)).await.unwrap();
    assert!(is_gone(&workspace, "3", &grant.slice, at(1)).await);
    for row in workspace.budgets(BudgetOf::Key(&key()), at(1)).await.unwrap() {
        assert_eq!((row.spent, row.reserved), (money(7), money(20)), "{row:?}");
    }
    let refused = workspace.begin_generation(reserving("4", 4)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BudgetExceeded);
    workspace.settle_generation(drawn("2", 20)).await.unwrap();
    for row in workspace.budgets(BudgetOf::Key(&key()), at(1)).await.unwrap() {
        assert_eq!((row.spent, row.reserved), (money(27), money(0)), "{row:?}");
    }
    workspace.set_budgets(BudgetOf::Key(&key()), &[], at(1)).await.unwrap();
    assert_eq!(gone(&with_total_of(store, 1_000).await, at(1)).await, (27, 0));
}

pub(crate) async fn a_call_that_costs_more_than_it_had_reserved_counts_whole(store: &TestStore) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 10, 20)).await;
    workspace.settle_generation(drawn("1", 990)).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (990, 0));
    workspace.enter_slice(&grant.slice).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (990, 0));
    workspace.begin_generation(reserving("2", 10)).await.unwrap();
    assert_eq!(gone(&workspace, at(1)).await, (990, 10));
}

pub(crate) async fn what_a_process_that_is_gone_held_is_free_again(store: &TestStore) {
    let workspace = with_total_of(store, 1_000).await;
    let grant = granted(&workspace, asking("1", 10, 60)).await;
    workspace.begin_generation(drawing("2", 20, &grant.slice)).await.unwrap();
    workspace.settle_generation(drawn("1", 5)).await.unwrap();
    drop(workspace);
    store.reopen().await;
    assert_eq!(store.store().settle_interrupted(at(9)).await.unwrap(), 1);
    let workspace = store.a();
    // A lost call is charged its prompt.
    assert_eq!(gone(&workspace, at(9)).await, (8, 0));
    assert!(is_gone(&workspace, "3", &grant.slice, at(1)).await, "its late writes are refused");
    assert!(!workspace.settle_generation(drawn("2", 20)).await.unwrap());
    assert_eq!(gone(&workspace, at(9)).await, (8, 0));
    workspace.begin_generation(reserving("all", 992)).await.unwrap();
}
