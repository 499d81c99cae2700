//! Retention: how long an installation keeps what grows with every call.
//!
//! What is older goes by whole months, in UTC: everything that was written before the month that held
//! the same moment so many days ago. Where months are tables of their own they are dropped, and what is
//! in none is deleted row by row.

use std::collections::BTreeMap;

use backstay_core::{
    BudgetPeriod, EpisodeId, GenerationId, Result, Timestamp, WorkspaceId, memory::RecalledId,
};

use crate::{
    Store,
    db::{Ended, statements, values},
};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// For how many days things are kept at least; `None` keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Calls and their attempts. What was spent of budgets is counted elsewhere and stays.
    pub ledger_days: Option<u32>,
    /// Turns, with what was made of them, as forgetting takes it along.
    pub episodes_days: Option<u32>,
}

statements! {
    OLD_CALLS = "SELECT g.workspace, g.id FROM workspaces AS w CROSS JOIN generations AS g
        WHERE g.workspace = w.id AND g.id < $1 AND g.status <> 'pending' LIMIT $2";
    DELETE_ATTEMPTS = "DELETE FROM attempts WHERE workspace = $1 AND generation = $2";
    DELETE_CALL = "DELETE FROM generations WHERE workspace = $1 AND id = $2";
    OLD_EPISODES = "SELECT e.workspace, e.id FROM workspaces AS w CROSS JOIN episodes AS e
        WHERE e.workspace = w.id AND e.recorded_at < $1 AND (e.recorded_at < $2 OR e.id < $3)
        LIMIT $4";
}

impl Retention {
    fn ended(self, now: Timestamp) -> Ended {
        let kept_from = |days: u32| {
            let micros = i64::from(days).saturating_mul(MICROS_PER_DAY);
            let moment = Timestamp::from_micros(now.micros().saturating_sub(micros));
            BudgetPeriod::Month.at(moment).starts_at
        };
        Ended {
            ledger: self.ledger_days.map(kept_from),
            episodes: self.episodes_days.map(kept_from),
        }
    }
}

impl Store {
    /// Drops the months that are over, where each is a table of its own, and makes those that come: for
    /// the start, and now and then. The names of the tables that were dropped. Of episodes what goes at
    /// once are vectors; the rest goes when [`Store::retain`] has taken along what was made of them.
    pub async fn keep_months(&self, retention: Retention, now: Timestamp) -> Result<Vec<String>> {
        self.db().keep_months(retention.ended(now), now).await
    }

    /// Deletes what retention is done with row by row, in every workspace: about `limit` calls and
    /// episodes at a time. How many there were; 0 when nothing is left. Calls under way stay.
    pub async fn retain(
        &self,
        retention: Retention,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let ended = retention.ended(now);
        let mut count = 0;
        if let Some(before) = ended.ledger {
            count += self.delete_calls(before, limit).await?;
        }
        if let Some(before) = ended.episodes {
            count += self.forget_episodes(before, now, limit).await?;
        }
        Ok(count)
    }

    async fn delete_calls(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let first = GenerationId::first_at(before);
        self.write(move |session| {
            type Call = (WorkspaceId, GenerationId);
            let calls: Vec<Call> = session
                .all(OLD_CALLS, values![&first, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for (workspace, id) in &calls {
                session.execute(DELETE_ATTEMPTS, values![workspace, id])?;
                session.execute(DELETE_CALL, values![workspace, id])?;
            }
            Ok(calls.len())
        })
        .await
    }

    async fn forget_episodes(
        &self,
        before: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let first = EpisodeId::first_at(before);
        let late = Timestamp::from_micros(before.micros().saturating_add(Ended::LATE_MICROS));
        let old = self.read(move |session| {
            type Episode = (WorkspaceId, RecalledId);
            let values = values![late, before, &first, limit];
            let found: Vec<Episode> =
                session.all(OLD_EPISODES, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(found)
        });
        let mut due: BTreeMap<WorkspaceId, Vec<RecalledId>> = BTreeMap::new();
        for (workspace, id) in old.await? {
            due.entry(workspace).or_default().push(id);
        }
        self.forget_due(due, now).await
    }
}
