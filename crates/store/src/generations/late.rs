//! Entering calls that were answered while the store was not to be reached.

use backstay_core::{Result, Timestamp, chat::SettlementStatus};

use super::{NewGeneration, SettledGeneration, begin, settle};
use crate::{
    Workspace,
    db::{statements, values},
};

statements! {
    IS_KNOWN = "SELECT 1 FROM generations WHERE workspace = $1 AND id = $2";
    MARK = "UPDATE generations SET entered_late = 1 WHERE workspace = $1 AND id = $2";
    INTERRUPT = "UPDATE generations SET status = $1, finished_at = $2
        WHERE workspace = $3 AND id = $4";
}

impl Workspace {
    /// Enters a call with how it ended, `None` for one that was cut off and may have cost anything, and
    /// marks it as entered late. Whether this did it: a call that is known already stays as it is.
    pub async fn enter_late(
        &self,
        new: NewGeneration,
        ended: Option<SettledGeneration>,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(move |session, workspace| {
            if session.one(IS_KNOWN, values![workspace, &new.id], |_| Ok(()))?.is_some() {
                return Ok(false);
            }
            begin(session, workspace, &new)?;
            session.execute(MARK, values![workspace, &new.id])?;
            if let Some(ended) = &ended {
                return settle(session, workspace, ended);
            }
            let values = values![SettlementStatus::Interrupted, now, workspace, &new.id];
            Ok(session.execute(INTERRUPT, values)? > 0)
        })
        .await
    }
}
