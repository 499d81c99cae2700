//! The rows of what is spent: one for each budget and period of it.

use backstay_core::{BudgetPeriod, Money, TimeSpan, Timestamp, WorkspaceId};

use super::slices::{self, InSlices};
use crate::db::{Failure, Session, statements, values};

statements! {
    IN_ROW = "SELECT spent, reserved FROM spending
        WHERE workspace = $1 AND api_key = $2 AND period = $3 AND starts_at = $4";
    CHANGE = "UPDATE spending SET spent = spent + $1, reserved = reserved - $2
        WHERE workspace = $3 AND api_key IN ($4, '') AND starts_at <= $5 AND ends_at > $5",
        postgres: "UPDATE spending SET spent = spent + $1, reserved = reserved - $2
        FROM (SELECT s.workspace, s.api_key, s.period, s.starts_at FROM spending AS s
            WHERE s.workspace = $3 AND s.api_key IN ($4, '')
                AND s.starts_at <= $5 AND s.ends_at > $5
            ORDER BY s.api_key, s.period, s.starts_at FOR UPDATE OF s) AS held
        WHERE spending.workspace = held.workspace AND spending.api_key = held.api_key
            AND spending.period = held.period AND spending.starts_at = held.starts_at";
}

/// What is gone of a budget in one of its periods.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gone {
    pub(super) spent: Money,
    pub(super) reserved: Money,
}

/// As the row has it, where slices count as reserved; `None` while there is no row.
pub(super) fn in_row(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    (period, starts_at): (BudgetPeriod, Timestamp),
) -> Result<Option<Gone>, Failure> {
    session.one(IN_ROW, values![workspace, of, period, starts_at], |row| {
        Ok(Gone { spent: row.get(0)?, reserved: row.get(1)? })
    })
}

/// What calls have cost and may cost, whether in slices or not.
pub(super) fn gone(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    (period, span): (BudgetPeriod, TimeSpan),
) -> Result<Gone, Failure> {
    let Some(row) = in_row(session, workspace, of, (period, span.starts_at))? else {
        return Ok(Gone::default());
    };
    let InSlices { held, spent, reserved } = slices::in_slices(session, workspace, of, span)?;
    let [spent, more, held, reserved] = [row.spent, spent, held, reserved].map(Money::picodollars);
    let outside = row.reserved.picodollars().saturating_sub(held);
    Ok(Gone {
        spent: Money::from_picodollars(spent.saturating_add(more)),
        reserved: Money::from_picodollars(outside.saturating_add(reserved)),
    })
}

/// Enters what calls of a key that began at that moment have cost, and takes out what was reserved for
/// them, in every budget that they fall under.
pub(super) fn spend(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    (key, at): (&str, Timestamp),
    (cost, reserved): (Money, Money),
) -> Result<(), Failure> {
    session.execute(CHANGE, values![cost, reserved, workspace, key, at])?;
    Ok(())
}
