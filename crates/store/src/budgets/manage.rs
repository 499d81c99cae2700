//! Setting budgets and seeing what is gone of them.

use backstay_core::{
    Budget, BudgetPeriod, GenerationId, Money, Result, TimeSpan, Timestamp, WorkspaceId,
};

use super::{
    BudgetOf, BudgetRow, ends_at, slices,
    spending::{self, Gone},
};
use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
};

statements! {
    LIST = "SELECT period, amount_max FROM budgets WHERE workspace = $1 AND api_key = $2";
    SET = "INSERT INTO budgets (workspace, api_key, period, amount_max) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace, api_key, period) DO UPDATE SET amount_max = excluded.amount_max";
    REMOVE = "DELETE FROM budgets WHERE workspace = $1 AND api_key = $2 AND period = $3";
    FORGET = "DELETE FROM spending WHERE workspace = $1 AND api_key = $2 AND period = $3";
    OPEN = "INSERT INTO spending (workspace, api_key, period, starts_at, ends_at, spent, reserved)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// Identifiers sort by time, so that the period is one stretch of the table.
    SPENT = "SELECT CAST(coalesce(sum(cost), 0) AS BIGINT) FROM generations
        WHERE workspace = $1 AND id >= $2 AND started_at >= $3 AND ($4 = '' OR api_key = $4)";
    RESERVED = "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM reservations
        WHERE workspace = $1 AND started_at >= $2 AND ($3 = '' OR api_key = $3)";
    OF_WORKSPACE = "SELECT 1 FROM budgets WHERE workspace = $1 AND api_key = '' LIMIT 1";
}

impl Workspace {
    /// Makes these the budgets of a key or of the workspace, in place of those that there were. What
    /// was spent before counts: a period that has a budget already keeps what is gone of it, and one
    /// that gets its first is filled from the ledger.
    pub async fn set_budgets(
        &self,
        of: BudgetOf<'_>,
        budgets: &[Budget],
        now: Timestamp,
    ) -> Result<()> {
        let (of, budgets) = (of.column(), budgets.to_vec());
        self.write(move |session, workspace| set(session, workspace, &of, &budgets, now)).await
    }

    /// From the shortest period to the longest.
    pub async fn budgets(&self, of: BudgetOf<'_>, now: Timestamp) -> Result<Vec<BudgetRow>> {
        let of = of.column();
        self.read(move |session, workspace| list(session, workspace, &of, now)).await
    }

    /// Whether the workspace as a whole has a budget.
    pub async fn has_budget(&self) -> Result<bool> {
        self.read(|session, workspace| {
            Ok(session.one(OF_WORKSPACE, values![workspace], |_| Ok(()))?.is_some())
        })
        .await
    }
}

pub(crate) fn set(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    budgets: &[Budget],
    now: Timestamp,
) -> Result<(), Failure> {
    // What is set aside is so under the budgets that there were; and a row that is filled from the ledger
    // has what calls cost that a slice's would be entered with once more.
    slices::end_of(session, workspace, of)?;
    for period in BudgetPeriod::ALL {
        match budgets.iter().find(|budget| budget.period == period) {
            Some(budget) => {
                session.execute(SET, values![workspace, of, period, budget.limit])?;
                open(session, workspace, of, (period, period.at(now)))?;
            }
            None => remove(session, workspace, of, period)?,
        }
    }
    Ok(())
}

/// Forgets the budgets of a key that is deleted.
pub(crate) fn remove_all(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
) -> Result<(), Failure> {
    slices::end_of(session, workspace, of)?;
    BudgetPeriod::ALL.into_iter().try_for_each(|period| remove(session, workspace, of, period))
}

fn remove(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    period: BudgetPeriod,
) -> Result<(), Failure> {
    if session.execute(REMOVE, values![workspace, of, period])? > 0 {
        session.execute(FORGET, values![workspace, of, period])?;
    }
    Ok(())
}

/// Sees to it that the period has its row.
fn open(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    (period, span): (BudgetPeriod, TimeSpan),
) -> Result<(), Failure> {
    let TimeSpan { starts_at, ends_at: end } = span;
    if spending::in_row(session, workspace, of, (period, starts_at))?.is_some() {
        return Ok(());
    }
    let first = GenerationId::first_at(starts_at);
    let spent = session.one(SPENT, values![workspace, &first, starts_at, of], |row| row.get(0))?;
    let reserved = session.one(RESERVED, values![workspace, starts_at, of], |row| row.get(0))?;
    let (spent, reserved): (Money, Money) =
        (spent.unwrap_or_default(), reserved.unwrap_or_default());
    let values = values![workspace, of, period, starts_at, ends_at(end), spent, reserved];
    session.execute(OPEN, values)?;
    Ok(())
}

pub(crate) fn list(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    of: &str,
    now: Timestamp,
) -> Result<Vec<BudgetRow>, Failure> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut limits: Vec<(BudgetPeriod, Money)> = session.all(LIST, values![workspace, of], read)?;
    limits.sort_unstable();
    let mut rows = Vec::with_capacity(limits.len());
    for (period, limit) in limits {
        let span = period.at(now);
        let Gone { spent, reserved } = spending::gone(session, workspace, of, (period, span))?;
        rows.push(BudgetRow { period, limit, spent, reserved, resets_at: span.ends_at });
    }
    Ok(rows)
}
