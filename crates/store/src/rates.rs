//! What keys have used of their rate limits, counted for all nodes together.
//!
//! A node takes more than a call needs, and gives what is left of it to its next calls within the same
//! slot of the window; what is left at the slot's end it gives back. What it has taken counts as used
//! meanwhile, so the sum over all nodes never exceeds a limit, and what a node that died had left
//! counts until the window has passed over it.

use backstay_core::{
    KeyId, Limited, RateLimit, RatePeriod, RateWindow, Result, Timestamp, WorkspaceId,
};

use crate::{
    Workspace,
    db::{Failure, Row, Session, statements, values},
};

statements! {
    /// One node at a time takes from the limits of a key.
    LOCK_KEY = "SELECT 1 FROM api_keys WHERE workspace = $1 AND id = $2",
        postgres: "SELECT 1 FROM api_keys WHERE workspace = $1 AND id = $2 FOR NO KEY UPDATE";
    CORRECT = "UPDATE rate_use
        SET used = CASE WHEN used + $1 > 0 THEN used + $1 ELSE 0 END
        WHERE workspace = $2 AND api_key = $3 AND limited = $4 AND period = $5 AND slot = $6";
    DROP_OLD = "DELETE FROM rate_use
        WHERE workspace = $1 AND api_key = $2 AND limited = $3 AND period = $4 AND slot < $5";
    USED = "SELECT slot, used FROM rate_use
        WHERE workspace = $1 AND api_key = $2 AND limited = $3 AND period = $4";
    ADD = "INSERT INTO rate_use (workspace, api_key, limited, period, slot, used)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (workspace, api_key, limited, period, slot)
            DO UPDATE SET used = rate_use.used + excluded.used";
}

/// What is asked of one rate limit, in its unit: a count, or picodollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateAsk {
    pub limit: RateLimit,
    /// What a call needs. More than the limit takes all of it.
    pub needed: u64,
    /// What is taken on top where it fits, for the calls that follow.
    pub spare: u64,
}

/// What was given for a [`RateAsk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateGrant {
    /// The slot of the window that it was taken from, and has to be used in.
    pub slot: i64,
    /// Beyond what the call needed.
    pub spare: u64,
}

/// What turned out later about what was taken in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateCorrection {
    pub limited: Limited,
    pub per: RatePeriod,
    pub slot: i64,
    /// Negative: given back.
    pub change: i64,
}

impl Workspace {
    /// Enters corrections, then takes from every limit, or from none of them where one does not leave
    /// what is needed: then the inner error is `too_many_requests`, with what was hit and when it
    /// frees.
    pub async fn take_rates(
        &self,
        key: &KeyId,
        corrections: Vec<RateCorrection>,
        asks: Vec<RateAsk>,
        now: Timestamp,
    ) -> Result<Result<Vec<RateGrant>>> {
        let key = key.clone();
        self.write_beside(move |session, workspace| {
            let of = Key { session, workspace, key: &key };
            session.one(LOCK_KEY, values![workspace, &key], |_| Ok(()))?;
            for correction in &corrections {
                of.correct(correction)?;
            }
            let mut fits = Vec::with_capacity(asks.len());
            for ask in &asks {
                let mut window = of.window(ask.limit, now)?;
                let used = window.used(now);
                let most = ask.limit.most();
                let needed = ask.needed.min(most);
                let free = most.saturating_sub(used);
                if needed > 0 && needed > free {
                    return Ok(Err(window.exceeded(most, needed)));
                }
                let spare = ask.spare.min(free - needed);
                fits.push((ask, RateGrant { slot: window.slot_at(now), spare }, needed));
            }
            for (ask, grant, needed) in &fits {
                of.add(ask.limit, grant.slot, needed.saturating_add(grant.spare))?;
            }
            Ok(Ok(fits.into_iter().map(|(_, grant, _)| grant).collect()))
        })
        .await
    }
}

struct Key<'a> {
    session: &'a Session<'a>,
    workspace: &'a WorkspaceId,
    key: &'a KeyId,
}

impl Key<'_> {
    fn correct(&self, correction: &RateCorrection) -> Result<(), Failure> {
        let RateCorrection { limited, per, slot, change } = *correction;
        let (limited, per) = (limited.as_str(), per.as_str());
        let values = values![change, self.workspace, self.key, limited, per, slot];
        self.session.execute(CORRECT, values)?;
        Ok(())
    }

    fn window(&self, limit: RateLimit, now: Timestamp) -> Result<RateWindow, Failure> {
        let (limited, per) = (limit.limited().as_str(), limit.per().as_str());
        let mut window = RateWindow::of(limit);
        window.used(now);
        let oldest = window.oldest_slot_at(now);
        let values = values![self.workspace, self.key, limited, per, oldest];
        self.session.execute(DROP_OLD, values)?;
        let values = values![self.workspace, self.key, limited, per];
        let slot = |row: &Row<'_>| Ok((row.get::<i64>(0)?, row.get::<u64>(1)?));
        for (slot, used) in self.session.all(USED, values, slot)? {
            // A node whose clock is ahead has used it all the same.
            window.add(slot.min(window.slot_at(now)), used);
        }
        Ok(window)
    }

    fn add(&self, limit: RateLimit, slot: i64, used: u64) -> Result<(), Failure> {
        if used == 0 {
            return Ok(());
        }
        let (limited, per) = (limit.limited().as_str(), limit.per().as_str());
        let values = values![self.workspace, self.key, limited, per, slot, used];
        self.session.execute(ADD, values)?;
        Ok(())
    }
}
