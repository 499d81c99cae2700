//! Putting what a call cost in place of what was reserved for it.

use backstay_core::{GenerationId, Money, WorkspaceId};

use super::Reserved;
use crate::{
    SettledAttempt,
    db::{Failure, Session, statements, values},
};

statements! {
    /// While the reservation is in a slice, the slice's calls are entered together.
    LEAVE_COST = "UPDATE reservations SET cost = $1
        WHERE workspace = $2 AND generation = $3 AND slice IS NOT NULL";
    TAKE = "DELETE FROM reservations WHERE workspace = $1 AND generation = $2 RETURNING amount";
    ANY = "SELECT 1 FROM spending WHERE workspace = $1 LIMIT 1";
    MOVE = "UPDATE spending SET spent = spent + $1, reserved = reserved - $2
        FROM generations AS call
        WHERE call.workspace = $3 AND call.id = $4
            AND spending.workspace = call.workspace AND spending.api_key IN (call.api_key, '')
            AND spending.starts_at <= call.started_at AND spending.ends_at > call.started_at",
        postgres: "UPDATE spending SET spent = spent + $1, reserved = reserved - $2
        FROM (SELECT s.workspace, s.api_key, s.period, s.starts_at
            FROM generations AS call CROSS JOIN spending AS s
            WHERE call.workspace = $3 AND call.id = $4
                AND s.workspace = call.workspace AND s.api_key IN (call.api_key, '')
                AND s.starts_at <= call.started_at AND s.ends_at > call.started_at
            ORDER BY s.api_key, s.period, s.starts_at FOR UPDATE OF s) AS held
        WHERE spending.workspace = held.workspace AND spending.api_key = held.api_key
            AND spending.period = held.period AND spending.starts_at = held.starts_at";
    LOST = "SELECT r.workspace, r.generation, r.if_lost, r.slice
        FROM workspaces AS w CROSS JOIN reservations AS r
        WHERE r.workspace = w.id AND r.cost IS NULL",
        postgres: "SELECT r.workspace, r.generation, r.if_lost, r.slice
        FROM generations AS call JOIN reservations AS r
            ON r.workspace = call.workspace AND r.generation = call.id
        WHERE call.status = 'pending' AND node_is_gone(call.node)";
}

/// A call whose process left it behind with its reservation.
pub(crate) struct LostCall {
    pub(crate) workspace: WorkspaceId,
    pub(crate) generation: GenerationId,
    pub(crate) if_lost: SettledAttempt,
    pub(crate) reserved: Reserved,
}

/// Enters what a call cost in every budget that it falls under, and gives up its reservation. A cost
/// that is unknown counts nothing.
pub(crate) fn settle(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    generation: &GenerationId,
    (reserved, cost): (Reserved, Money),
) -> Result<(), Failure> {
    // A reservation goes over from a slice into the budgets, never back: this order misses none.
    if reserved == Reserved::InSlice
        && session.execute(LEAVE_COST, values![cost, workspace, generation])? > 0
    {
        return Ok(());
    }
    let reserved = match reserved {
        Reserved::Nothing => None,
        Reserved::InBudgets | Reserved::InSlice => {
            session.one(TAKE, values![workspace, generation], |row| row.get(0))?
        }
    };
    move_to_spent(session, workspace, generation, (reserved.unwrap_or_default(), cost))
}

fn move_to_spent(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    generation: &GenerationId,
    (reserved, cost): (Money, Money),
) -> Result<(), Failure> {
    if reserved == Money::ZERO && cost == Money::ZERO {
        return Ok(());
    }
    // Calls that began before their key had a budget count in it too; where nobody has one, this is
    // all that they cost.
    if session.one(ANY, values![workspace], |_| Ok(()))?.is_none() {
        return Ok(());
    }
    session.execute(MOVE, values![cost, reserved, workspace, generation])?;
    Ok(())
}

/// Calls with a reservation that processes which are gone left open, in every workspace.
pub(crate) fn lost(session: &Session<'_>) -> Result<Vec<LostCall>, Failure> {
    session.all(LOST, &[], |row| {
        let if_lost = row.json(2)?.ok_or_else(|| {
            backstay_core::Error::internal("a reservation does not say what it was for")
        })?;
        let reserved = if row.is_null(3)? { Reserved::InBudgets } else { Reserved::InSlice };
        Ok(LostCall { workspace: row.get(0)?, generation: row.get(1)?, if_lost, reserved })
    })
}
