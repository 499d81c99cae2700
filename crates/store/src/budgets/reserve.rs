//! Setting aside what a call may cost: all its budgets agree, or nothing is reserved.

use backstay_core::{
    Amount, BudgetPeriod, Error, ErrorCode, GenerationId, KeyId, LimitHit, LimitScope, Limited,
    Money, SliceId, TimeSpan, Timestamp, WorkspaceId,
};

use super::{
    Reservation, ReserveFrom, SliceGrant, WORKSPACE, ends_at, slices,
    spending::{self, Gone},
};
use crate::{
    db::{Failure, Session, statements, values},
    messages::to_json,
};

/// How soon it is worth asking again when only running calls are in the way.
const CALLS_END_MS: u64 = 2_000;
/// No slice is given more at once than one part in so many of what is left of a budget, and none where
/// that is less than the call itself needs.
const PARTS_OF_REST: i64 = 16;

statements! {
    /// In the order in which every call takes the rows of what is spent, so that no two wait for each
    /// other.
    BUDGETS = "SELECT api_key, period, amount_max FROM budgets
        WHERE workspace = $1 AND api_key IN ($2, '') ORDER BY api_key, period";
    /// Changes no row when the sum would exceed the limit.
    ADD = "INSERT INTO spending (workspace, api_key, period, starts_at, ends_at, spent, reserved)
        VALUES ($1, $2, $3, $4, $5, 0, $6)
        ON CONFLICT (workspace, api_key, period, starts_at) DO UPDATE
            SET reserved = spending.reserved + excluded.reserved
            WHERE spending.spent + spending.reserved + excluded.reserved <= $7";
    KEEP = "INSERT INTO reservations
            (workspace, generation, api_key, started_at, amount, if_lost, slice)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

struct Limit {
    api_key: String,
    period: BudgetPeriod,
    amount_max: Money,
}

/// A call that is about to be recorded.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) workspace: &'a WorkspaceId,
    pub(crate) generation: &'a GenerationId,
    pub(crate) key: &'a KeyId,
    pub(crate) at: Timestamp,
}

/// Fails with `budget_exceeded` when a budget of the key or of its workspace does not leave enough;
/// the caller's transaction then has to be taken back as a whole. A slice to draw on has to be held by
/// it. Returns what a slice was given on top.
pub(crate) fn reserve(
    session: &Session<'_>,
    call: Caller<'_>,
    reservation: &Reservation,
) -> Result<Option<SliceGrant>, Failure> {
    let Caller { workspace, key, at, .. } = call;
    let amount = reservation.amount;
    if let ReserveFrom::Slice(slice) = &reservation.from {
        keep(session, call, reservation, Some(slice))?;
        return Ok(None);
    }
    let known = match &reservation.from {
        ReserveFrom::BudgetsForMore { slice: Some(slice), .. } => {
            slices::lock_for_call(session, workspace, slice, at)?.then_some(slice)
        }
        _ => None,
    };
    let limits = session.all(BUDGETS, values![workspace, key], |row| {
        Ok(Limit { api_key: row.get(0)?, period: row.get(1)?, amount_max: row.get(2)? })
    })?;
    for limit in &limits {
        add(session, workspace, limit, amount, at)?;
    }
    let grant = match &reservation.from {
        ReserveFrom::BudgetsForMore { otherwise, spare, .. } => {
            let spare = spare_of(session, call, &limits, (amount, *spare))?;
            spare.map(|spare| SliceGrant {
                slice: known.unwrap_or(otherwise).clone(),
                spare,
                calls: together(&limits, at),
            })
        }
        _ => None,
    };
    if let Some(SliceGrant { slice, spare, calls }) = &grant {
        let more = amount.checked_add(*spare).unwrap_or(Money::MAX);
        match known {
            Some(_) => slices::add(session, workspace, slice, more)?,
            None => slices::open(session, workspace, (slice, key), *calls, more)?,
        }
    }
    keep(session, call, reservation, grant.as_ref().map(|grant| &grant.slice))?;
    Ok(grant)
}

fn keep(
    session: &Session<'_>,
    call: Caller<'_>,
    reservation: &Reservation,
    slice: Option<&SliceId>,
) -> Result<(), Failure> {
    let Caller { workspace, generation, key, at } = call;
    let if_lost = to_json(&reservation.if_lost)?;
    let values = values![workspace, generation, key, at, reservation.amount, &if_lost, slice];
    session.execute(KEEP, values)?;
    Ok(())
}

/// Reserves something on top of what the call needs, where enough is left of every budget. Their rows
/// are locked already.
fn spare_of(
    session: &Session<'_>,
    Caller { workspace, key, at, .. }: Caller<'_>,
    limits: &[Limit],
    (needed, wanted): (Money, Money),
) -> Result<Option<Money>, Failure> {
    let mut spare = wanted.picodollars();
    for Limit { api_key, period, amount_max } in limits {
        let row = (*period, period.at(at).starts_at);
        let gone = spending::in_row(session, workspace, api_key, row)?.unwrap_or_default();
        let [max, spent, reserved] =
            [*amount_max, gone.spent, gone.reserved].map(Money::picodollars);
        let left = max.saturating_sub(spent).saturating_sub(reserved);
        spare = spare.min(left / PARTS_OF_REST);
    }
    if limits.is_empty() || spare <= 0 || spare < needed.picodollars() {
        return Ok(None);
    }
    let more = Money::from_picodollars(-spare);
    spending::spend(session, workspace, (key.as_str(), at), (Money::ZERO, more))?;
    Ok(Some(Money::from_picodollars(spare)))
}

/// When calls fall under the same periods of all budgets as one at that moment.
fn together(limits: &[Limit], at: Timestamp) -> TimeSpan {
    let spans = limits.iter().map(|limit| limit.period.at(at));
    let forever = BudgetPeriod::Total.at(at);
    spans.fold(forever, |all, span| TimeSpan {
        starts_at: all.starts_at.max(span.starts_at),
        ends_at: [all.ends_at, span.ends_at].into_iter().flatten().min(),
    })
}

fn add(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    limit: &Limit,
    amount: Money,
    now: Timestamp,
) -> Result<(), Failure> {
    let Limit { api_key, period, amount_max } = limit;
    let span = period.at(now);
    let (starts_at, ends_at) = (span.starts_at, ends_at(span.ends_at));
    let values = values![workspace, api_key, *period, starts_at, ends_at, amount, *amount_max];
    if amount <= *amount_max && session.execute(ADD, values)? > 0 {
        return Ok(());
    }
    let gone = spending::gone(session, workspace, api_key, (*period, span))?;
    Err(exceeded(limit, span, gone, amount).into())
}

/// Whether what the budget lacks is held by calls under way, or in slices.
pub(crate) fn may_be_freed(error: &Error) -> bool {
    error.code() == ErrorCode::BudgetExceeded && error.retry_after_ms().is_some()
}

fn exceeded(limit: &Limit, span: TimeSpan, gone: Gone, asked: Money) -> Error {
    let Gone { spent, reserved } = gone;
    let scope = if limit.api_key == WORKSPACE { LimitScope::Workspace } else { LimitScope::Key };
    let total = limit.amount_max;
    let fits_alone = Money::sum([spent, asked]).is_some_and(|sum| sum <= total);
    let advice = match span.ends_at {
        _ if fits_alone => {
            "calls under way hold the rest: try again when they have ended".to_owned()
        }
        Some(end) => format!("it begins anew at {end}; ask for less with max_tokens, or raise it"),
        None => "ask for less with max_tokens, or raise it".to_owned(),
    };
    let per = match limit.period {
        BudgetPeriod::Total => "in total".to_owned(),
        period => format!("per {}", period.as_str()),
    };
    let scope_word = scope.as_str();
    Error::new(
        ErrorCode::BudgetExceeded,
        format!(
            "this {scope_word}'s budget of ${total} {per} does not leave what this call may cost \
             (${asked}): ${spent} is spent and ${reserved} reserved; {advice}"
        ),
    )
    .with_retry_after_ms(fits_alone.then_some(CALLS_END_MS))
    .with_limit(LimitHit {
        scope,
        of: Limited::Money,
        per: limit.period.as_str(),
        limit: Amount::Money(total),
        used: Amount::Money(spent),
        reserved: Amount::Money(reserved),
        resets_at: span.ends_at,
    })
}
