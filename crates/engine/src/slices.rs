//! Slices of budgets that this process holds, where several share the store.
//!
//! A key that is used much is given more of its budgets than a call needs, twice as much each time, and
//! its next calls draw on that: each still writes its own reservation before anything is sent, but none
//! of them waits for the one row of what is spent. One that is used rarely, and one whose budget is
//! nearly used up, reserves in that row each time.
//!
//! Only this process draws on its slices, so what is left of one is known here and nowhere else; whether
//! it still is there only the store knows. After an error it is not clear what the store has: the slice
//! is given up then, and the store counts itself what nobody drew.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use backstay_core::{
    Clock, KeyId, Money, Random, Result, SliceId, TimeSpan, Timestamp, WorkspaceId,
};
use backstay_store::{Begun, NewGeneration, ReserveFrom, Reserved, SliceGrant, Store, Workspace};
use tokio::sync::Mutex as Turn;

/// A slice on which nobody has drawn for so long is given back.
const IDLE_MS: i64 = 2_000;
/// Others may end one slice after the other; then the budget's row is asked.
const DRAWS_MAX: usize = 3;

pub(crate) struct Slices {
    store: Store,
    clock: Clock,
    random: Random,
    keys: Mutex<HashMap<Owner, Held>>,
}

type Owner = (WorkspaceId, KeyId);

/// A call's reservation, to be settled with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) amount: Money,
    /// `None` for one in the rows of the budgets.
    slice: Option<SliceId>,
}

/// What this process holds of a key's budgets.
struct Held {
    slice: Option<Slice>,
    /// What is asked for in advance the next time.
    spare: Money,
    used_at: Timestamp,
    /// Given up, and to be ended in the store.
    to_end: Vec<SliceId>,
    /// One call at a time asks for more; those that waited may find enough.
    asking: Arc<Turn<()>>,
}

struct Slice {
    id: SliceId,
    /// Picodollars. Below zero after calls that cost more than they had reserved.
    left: i64,
    calls: TimeSpan,
    /// Whether calls have left there what they cost.
    has_costs: bool,
}

/// What is to be done in the store about a slice.
enum Task {
    Enter(Owner, SliceId),
    End(Owner, SliceId),
}

impl Reservation {
    pub(crate) fn in_budgets(amount: Money) -> Self {
        Self { amount, slice: None }
    }

    pub(crate) fn place(&self) -> Reserved {
        if self.slice.is_some() { Reserved::InSlice } else { Reserved::InBudgets }
    }
}

impl Slices {
    pub(crate) fn new(store: Store, clock: Clock, random: Random) -> Self {
        Self { store, clock, random, keys: Mutex::default() }
    }

    /// Records an intent with what the call may cost, out of a slice where there is enough in one.
    /// Fails as [`Workspace::begin_generation`].
    pub(crate) async fn begin(
        &self,
        workspace: &Workspace,
        intent: NewGeneration,
    ) -> Result<Option<Reservation>> {
        let Some(wanted) = &intent.reservation else {
            workspace.begin_generation(intent).await?;
            return Ok(None);
        };
        let amount = wanted.amount;
        let call = Call {
            owner: (workspace.id().clone(), intent.key.clone()),
            amount,
            at: intent.started_at,
        };
        for _ in 0..DRAWS_MAX {
            let Some(asking) = self.asking(&call) else { break };
            let drawn = match self.draw(&call) {
                Some(slice) => slice,
                None => {
                    let _turn = asking.lock().await;
                    match self.draw(&call) {
                        Some(slice) => slice,
                        None => return self.ask(workspace, &call, intent).await.map(Some),
                    }
                }
            };
            let begun =
                workspace.begin_generation(from(&intent, ReserveFrom::Slice(drawn.clone())));
            match begun.await {
                Ok(Begun::SliceIsGone) => self.forget(&call.owner, &drawn),
                Ok(_) => return Ok(Some(Reservation { amount, slice: Some(drawn) })),
                Err(error) => {
                    self.give_up(&call.owner, [drawn]);
                    return Err(error);
                }
            }
        }
        workspace.begin_generation(intent).await?;
        Ok(Some(Reservation::in_budgets(amount)))
    }

    /// What a call cost, which its reservation is settled with.
    pub(crate) fn settled(&self, owner: (&WorkspaceId, &KeyId), of: &Reservation, cost: Money) {
        let Ok(mut keys) = self.keys.lock() else { return };
        let held = keys.get_mut(&(owner.0.clone(), owner.1.clone()));
        let slice = held.and_then(|held| held.slice.as_mut());
        if let Some(slice) = slice.filter(|slice| Some(&slice.id) == of.slice.as_ref()) {
            let unused = of.amount.picodollars().saturating_sub(cost.picodollars());
            slice.left = slice.left.saturating_add(unused);
            slice.has_costs = true;
        }
    }

    /// Enters what calls have cost in their budgets, and ends slices that are idle or of a period that
    /// is over.
    pub(crate) async fn tend(&self) -> Result<()> {
        let now = self.clock.now();
        let is_used = |held: &Held| now.millis() - held.used_at.millis() < IDLE_MS;
        self.carry_out(|slice, held| slice.calls.holds(now) && is_used(held)).await
    }

    /// Ends every slice, so that the others need not wait until this process is known to be gone.
    pub(crate) async fn end_all(&self) -> Result<()> {
        self.carry_out(|_, _| false).await
    }

    async fn carry_out(&self, stays: impl Fn(&Slice, &Held) -> bool) -> Result<()> {
        let mut outcome = Ok(());
        for task in self.tasks(stays) {
            let done = match &task {
                Task::Enter((workspace, _), slice) => {
                    self.store.workspace(workspace).enter_slice(slice).await.map(drop)
                }
                Task::End((workspace, _), slice) => {
                    self.store.workspace(workspace).end_slice(slice).await
                }
            };
            if let Err(error) = done {
                let (Task::Enter(owner, slice) | Task::End(owner, slice)) = task;
                self.give_up(&owner, [slice]);
                outcome = Err(error);
            }
        }
        outcome
    }

    fn tasks(&self, stays: impl Fn(&Slice, &Held) -> bool) -> Vec<Task> {
        let Ok(mut keys) = self.keys.lock() else { return Vec::new() };
        let mut tasks = Vec::new();
        keys.retain(|owner, held| {
            let ended = std::mem::take(&mut held.to_end).into_iter();
            tasks.extend(ended.map(|slice| Task::End(owner.clone(), slice)));
            match held.slice.take() {
                Some(mut slice) if stays(&slice, held) => {
                    if std::mem::take(&mut slice.has_costs) {
                        tasks.push(Task::Enter(owner.clone(), slice.id.clone()));
                    }
                    held.slice = Some(slice);
                }
                Some(slice) => tasks.push(Task::End(owner.clone(), slice.id)),
                None => {}
            }
            // Who waits for a turn holds it as well.
            let is_asked_for = Arc::strong_count(&held.asking) > 1;
            let now = self.clock.now().millis();
            held.slice.is_some() || is_asked_for || now - held.used_at.millis() < IDLE_MS
        });
        tasks
    }

    fn asking(&self, call: &Call) -> Option<Arc<Turn<()>>> {
        let mut keys = self.keys.lock().ok()?;
        let held = keys.entry(call.owner.clone()).or_insert_with(|| Held::new(call.at));
        held.used_at = held.used_at.max(call.at);
        Some(Arc::clone(&held.asking))
    }

    fn draw(&self, call: &Call) -> Option<SliceId> {
        let mut keys = self.keys.lock().ok()?;
        let slice = keys.get_mut(&call.owner)?.slice.as_mut()?;
        let amount = call.amount.picodollars();
        if !slice.calls.holds(call.at) || slice.left < amount {
            return None;
        }
        slice.left -= amount;
        Some(slice.id.clone())
    }

    /// Reserves in the rows of the budgets, with something for the calls that follow.
    async fn ask(
        &self,
        workspace: &Workspace,
        call: &Call,
        intent: NewGeneration,
    ) -> Result<Reservation> {
        let amount = call.amount;
        let otherwise = SliceId::new(&self.clock, &self.random)?;
        let (slice, spare) = self.next(call);
        let named: Vec<SliceId> = slice.iter().chain([&otherwise]).cloned().collect();
        let more = match spare {
            Money::ZERO => ReserveFrom::Budgets,
            spare => ReserveFrom::BudgetsForMore { slice, otherwise, spare },
        };
        match workspace.begin_generation(from(&intent, more)).await {
            Ok(Begun::WithMore(grant)) => {
                let slice = Some(grant.slice.clone());
                self.granted(&call.owner, grant);
                Ok(Reservation { amount, slice })
            }
            Ok(_) => Ok(Reservation::in_budgets(amount)),
            Err(error) => {
                if spare != Money::ZERO {
                    self.give_up(&call.owner, named);
                }
                Err(error)
            }
        }
    }

    /// The slice that is to be given more, and how much.
    fn next(&self, call: &Call) -> (Option<SliceId>, Money) {
        let Ok(mut keys) = self.keys.lock() else { return Default::default() };
        let Some(held) = keys.get_mut(&call.owner) else { return Default::default() };
        let spare = held.spare;
        let larger = spare.max(call.amount).picodollars().saturating_mul(2);
        held.spare = Money::from_picodollars(larger);
        let slice = held.slice.as_ref().filter(|slice| slice.calls.holds(call.at));
        (slice.map(|slice| slice.id.clone()), spare)
    }

    fn granted(&self, owner: &Owner, grant: SliceGrant) {
        let Ok(mut keys) = self.keys.lock() else { return };
        let Some(held) = keys.get_mut(owner) else { return };
        let SliceGrant { slice: id, spare, calls } = grant;
        let spare = spare.picodollars();
        match &mut held.slice {
            Some(slice) if slice.id == id => slice.left = slice.left.saturating_add(spare),
            other => {
                let new = Slice { id, left: spare, calls, has_costs: false };
                // The earlier one is gone, or of another period.
                held.to_end.extend(other.replace(new).map(|slice| slice.id));
            }
        }
    }

    fn forget(&self, owner: &Owner, gone: &SliceId) {
        let Ok(mut keys) = self.keys.lock() else { return };
        if let Some(held) = keys.get_mut(owner) {
            held.slice.take_if(|slice| slice.id == *gone);
        }
    }

    fn give_up(&self, owner: &Owner, slices: impl IntoIterator<Item = SliceId>) {
        let now = self.clock.now();
        let Ok(mut keys) = self.keys.lock() else { return };
        let held = keys.entry(owner.clone()).or_insert_with(|| Held::new(now));
        for id in slices {
            held.slice.take_if(|slice| slice.id == id);
            held.to_end.push(id);
        }
    }
}

impl Held {
    fn new(now: Timestamp) -> Self {
        let (slice, to_end) = (None, Vec::new());
        Self { slice, spare: Money::ZERO, used_at: now, to_end, asking: Arc::default() }
    }
}

/// A call that wants to begin.
struct Call {
    owner: Owner,
    amount: Money,
    at: Timestamp,
}

fn from(intent: &NewGeneration, from: ReserveFrom) -> NewGeneration {
    let reservation =
        intent.reservation.clone().map(|held| backstay_store::Reservation { from, ..held });
    NewGeneration { reservation, ..intent.clone() }
}
