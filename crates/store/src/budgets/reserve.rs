//! Setting aside what a call may cost: all its budgets agree, or nothing is reserved.

use backstay_core::{
    Amount, BudgetPeriod, Error, ErrorCode, GenerationId, KeyId, LimitHit, LimitScope, Limited,
    Money, TimeSpan, Timestamp, WorkspaceId,
};

use super::{Reservation, WORKSPACE, ends_at};
use crate::{
    db::{Failure, Session, statements, values},
    messages::to_json,
};

/// How soon it is worth asking again when only running calls are in the way.
const CALLS_END_MS: u64 = 2_000;

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
    GONE = "SELECT spent, reserved FROM spending
        WHERE workspace = $1 AND api_key = $2 AND period = $3 AND starts_at = $4";
    KEEP = "INSERT INTO reservations
            (workspace, generation, api_key, started_at, amount, if_lost)
        VALUES ($1, $2, $3, $4, $5, $6)";
}

struct Limit {
    api_key: String,
    period: BudgetPeriod,
    amount_max: Money,
}

/// Fails with `budget_exceeded` when a budget of the key or of its workspace does not leave enough;
/// the caller's transaction then has to be taken back as a whole.
pub(crate) fn reserve(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    (generation, key): (&GenerationId, &KeyId),
    reservation: &Reservation,
    now: Timestamp,
) -> Result<(), Failure> {
    let limits = session.all(BUDGETS, values![workspace, key], |row| {
        Ok(Limit { api_key: row.get(0)?, period: row.get(1)?, amount_max: row.get(2)? })
    })?;
    for limit in &limits {
        add(session, workspace, limit, reservation.amount, now)?;
    }
    let if_lost = to_json(&reservation.if_lost)?;
    let values = values![workspace, generation, key, now, reservation.amount, &if_lost];
    session.execute(KEEP, values)?;
    Ok(())
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
    let gone = session.one(GONE, values![workspace, api_key, *period, starts_at], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Err(exceeded(limit, span, gone.unwrap_or_default(), amount).into())
}

fn exceeded(
    limit: &Limit,
    span: TimeSpan,
    (spent, reserved): (Money, Money),
    asked: Money,
) -> Error {
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
