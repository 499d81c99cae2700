//! Slices of budgets: what one node has set aside for the next calls of a key.
//!
//! To the rows of what is spent a slice is one large reservation, in every budget of the key, so that
//! `spent + reserved` there holds every slice and never exceeds a limit. A call that draws on a slice
//! writes a reservation that names it, and leaves there what it cost; neither touches those rows. Now
//! and then the slice's calls are entered in them together.
//!
//! Anyone may end a slice at any time: its open calls are then reserved in the rows themselves, and what
//! nobody has drawn is free again. So a call is refused only if there is not enough with every slice
//! ended, and a node that was taken for dead finds its slice gone. Whoever ends a slice or enters its
//! calls locks its row first (of several all rows, before anything else), then reservations, then the rows
//! of what is spent. Whoever draws on it
//! keeps it from being ended until the reservation is committed.

use backstay_core::{KeyId, Money, Result, SliceId, TimeSpan, Timestamp, WorkspaceId};

use super::{ends_at, spending::spend};
use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
};

macro_rules! beside {
    ($what:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM budget_slices AS s WHERE s.workspace = $1
                AND (s.api_key = $2 OR EXISTS (SELECT 1 FROM budgets AS b
                    WHERE b.workspace = s.workspace AND b.api_key = ''))
            ",
            $end
        )
    };
}

statements! {
    DRAW = "SELECT 1 FROM budget_slices
        WHERE workspace = $1 AND id = $2 AND starts_at <= $3 AND ends_at > $3",
        postgres: "SELECT 1 FROM budget_slices
        WHERE workspace = $1 AND id = $2 AND starts_at <= $3 AND ends_at > $3 FOR KEY SHARE";
    LOCK_FOR_CALL = "SELECT 1 FROM budget_slices
        WHERE workspace = $1 AND id = $2 AND starts_at <= $3 AND ends_at > $3",
        postgres: "SELECT 1 FROM budget_slices
        WHERE workspace = $1 AND id = $2 AND starts_at <= $3 AND ends_at > $3 FOR NO KEY UPDATE";
    LOCK = "SELECT api_key, starts_at, amount FROM budget_slices WHERE workspace = $1 AND id = $2",
        postgres: "SELECT api_key, starts_at, amount FROM budget_slices
        WHERE workspace = $1 AND id = $2 FOR NO KEY UPDATE";
    LOCK_TO_END = "SELECT api_key, starts_at, amount FROM budget_slices
        WHERE workspace = $1 AND id = $2",
        postgres: "SELECT api_key, starts_at, amount FROM budget_slices
        WHERE workspace = $1 AND id = $2 FOR UPDATE";
    OPEN = "INSERT INTO budget_slices (workspace, id, api_key, starts_at, ends_at, amount)
        VALUES ($1, $2, $3, $4, $5, $6)";
    CHANGE = "UPDATE budget_slices SET amount = amount + $1 WHERE workspace = $2 AND id = $3";
    LET_GO = "UPDATE reservations SET slice = NULL
        WHERE workspace = $1 AND slice = $2 AND cost IS NULL RETURNING amount";
    TAKE_COSTS = "DELETE FROM reservations
        WHERE workspace = $1 AND slice = $2 AND cost IS NOT NULL RETURNING cost";
    END = "DELETE FROM budget_slices WHERE workspace = $1 AND id = $2";
    /// Locks them all before any is ended. Of the whole workspace where no key is named.
    OF = "SELECT id FROM budget_slices WHERE workspace = $1 AND ($2 = '' OR api_key = $2)
        ORDER BY id",
        postgres: "SELECT id FROM budget_slices WHERE workspace = $1 AND ($2 = '' OR api_key = $2)
        ORDER BY id FOR UPDATE";
    /// Those that hold what a call of the key could have, locked likewise.
    BESIDE = beside!("id", "ORDER BY id"),
        postgres: beside!("id", "ORDER BY id FOR UPDATE OF s");
    ANY_BESIDE = beside!("1", "LIMIT 1");
    LEFT_BEHIND = "SELECT s.workspace, s.id
        FROM workspaces AS w CROSS JOIN budget_slices AS s WHERE s.workspace = w.id
        ORDER BY s.workspace, s.id",
        postgres: "SELECT workspace, id FROM budget_slices WHERE node_is_gone(node)
        ORDER BY workspace, id";
    HELD = "SELECT count(*), CAST(coalesce(sum(amount), 0) AS BIGINT) FROM budget_slices
        WHERE workspace = $1 AND ($2 = '' OR api_key = $2) AND starts_at >= $3 AND starts_at < $4";
    DRAWN = "SELECT CAST(coalesce(sum(r.cost), 0) AS BIGINT),
            CAST(coalesce(sum(CASE WHEN r.cost IS NULL THEN r.amount ELSE 0 END), 0) AS BIGINT)
        FROM budget_slices AS s
            JOIN reservations AS r ON r.workspace = s.workspace AND r.slice = s.id
        WHERE s.workspace = $1 AND ($2 = '' OR s.api_key = $2)
            AND s.starts_at >= $3 AND s.starts_at < $4";
}

/// What a slice was given beyond what the call needed that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceGrant {
    /// The one that was named, or a new one where that is gone.
    pub slice: SliceId,
    pub spare: Money,
    /// When calls have to begin that draw on it.
    pub calls: TimeSpan,
}

/// What the slices of a budget hold in one of its periods.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InSlices {
    /// Of what is reserved in the budget's row.
    pub(super) held: Money,
    /// What calls cost that are not entered in the row yet.
    pub(super) spent: Money,
    /// What open calls may cost.
    pub(super) reserved: Money,
}

impl Workspace {
    /// Enters what calls have cost that drew on the slice. Whether it is there: another node may have
    /// ended it.
    pub async fn enter_slice(&self, slice: &SliceId) -> Result<bool> {
        let slice = slice.clone();
        self.write_beside(move |session, workspace| enter(session, workspace, &slice)).await
    }

    /// Ends a slice: what nobody has drawn is free again. One that is not there is ended already.
    pub async fn end_slice(&self, slice: &SliceId) -> Result<()> {
        let slice = slice.clone();
        self.write_beside(move |session, workspace| end(session, workspace, &slice)).await
    }

    /// Whether a slice holds what a call of the key could have.
    pub(crate) async fn any_slice_beside(&self, key: &KeyId) -> Result<bool> {
        let key = key.clone();
        self.read(move |session, workspace| {
            Ok(session.one(ANY_BESIDE, values![workspace, &key], |_| Ok(()))?.is_some())
        })
        .await
    }
}

/// Whether a call that begins at that moment may draw on the slice; then it stays until the
/// transaction ends.
pub(crate) fn may_draw(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    slice: &SliceId,
    at: Timestamp,
) -> Result<bool, Failure> {
    Ok(session.one(DRAW, values![workspace, slice, at], |_| Ok(()))?.is_some())
}

/// The same, and nobody else changes it until then.
pub(super) fn lock_for_call(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    slice: &SliceId,
    at: Timestamp,
) -> Result<bool, Failure> {
    Ok(session.one(LOCK_FOR_CALL, values![workspace, slice, at], |_| Ok(()))?.is_some())
}

pub(super) fn open(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    (slice, key): (&SliceId, &KeyId),
    calls: TimeSpan,
    amount: Money,
) -> Result<(), Failure> {
    let (from, to) = (calls.starts_at, ends_at(calls.ends_at));
    session.execute(OPEN, values![workspace, slice, key, from, to, amount])?;
    Ok(())
}

pub(super) fn add(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    slice: &SliceId,
    amount: Money,
) -> Result<(), Failure> {
    session.execute(CHANGE, values![amount, workspace, slice])?;
    Ok(())
}

/// Ends every slice of a key; where none is named, of the workspace.
pub(super) fn end_of(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    key: &str,
) -> Result<(), Failure> {
    let out: Vec<SliceId> = session.all(OF, values![workspace, key], |row| row.get(0))?;
    out.iter().try_for_each(|slice| end(session, workspace, slice))
}

/// Ends every slice that holds what a call of the key could have.
pub(crate) fn end_beside(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    key: &KeyId,
) -> Result<(), Failure> {
    let out: Vec<SliceId> = session.all(BESIDE, values![workspace, key], |row| row.get(0))?;
    out.iter().try_for_each(|slice| end(session, workspace, slice))
}

/// Those that nodes which are gone have left, in every workspace.
pub(crate) fn left_behind(session: &Session<'_>) -> Result<Vec<(WorkspaceId, SliceId)>, Failure> {
    session.all(LEFT_BEHIND, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub(crate) fn end(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    slice: &SliceId,
) -> Result<(), Failure> {
    let named = values![workspace, slice];
    let Some((key, at, held)) = session.one(LOCK_TO_END, named, slice_row)? else {
        return Ok(());
    };
    let open = sum(session.all(LET_GO, named, |row| row.get(0))?);
    let spent = sum(session.all(TAKE_COSTS, named, |row| row.get(0))?);
    let freed = Money::from_picodollars(held.picodollars().saturating_sub(open.picodollars()));
    spend(session, workspace, (&key, at), (spent, freed))?;
    session.execute(END, named)?;
    Ok(())
}

fn enter(session: &Session<'_>, workspace: &WorkspaceId, slice: &SliceId) -> Result<bool, Failure> {
    let named = values![workspace, slice];
    let Some((key, at, _)) = session.one(LOCK, named, slice_row)? else {
        return Ok(false);
    };
    let spent = sum(session.all(TAKE_COSTS, named, |row| row.get(0))?);
    if spent != Money::ZERO {
        add(session, workspace, slice, Money::from_picodollars(-spent.picodollars()))?;
        spend(session, workspace, (&key, at), (spent, spent))?;
    }
    Ok(true)
}

pub(super) fn in_slices(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    period: TimeSpan,
) -> Result<InSlices, Failure> {
    let values = values![workspace, of, period.starts_at, ends_at(period.ends_at)];
    let found = session.one(HELD, values, |row| Ok((row.get::<u64>(0)?, row.get(1)?)))?;
    let Some((1.., held)) = found else { return Ok(InSlices::default()) };
    let drawn = session.one(DRAWN, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (spent, reserved) = drawn.unwrap_or_default();
    Ok(InSlices { held, spent, reserved })
}

fn slice_row(row: &Row<'_>) -> Result<(String, Timestamp, Money), Failure> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn sum(amounts: Vec<Money>) -> Money {
    Money::sum(amounts).unwrap_or(Money::MAX)
}
