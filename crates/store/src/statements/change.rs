//! What can be done with statements, and what came of it.

use backstay_core::{
    MemoryId, Result, Timestamp,
    memory::{NewStatement, Scope, SourceQuote, Statement},
};

use super::{apply::apply, check::check_all};
use crate::Workspace;

/// One change to the statements of a scope. Every change is idempotent: made again, it finds its
/// own outcome and changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementChange {
    /// Adds a statement, unless the scope believes the same already: the same kind and words, apart
    /// from case, spaces and the full stop.
    Add(NewStatement),
    /// Makes the next version. With `expected_version`, only while that is the version that is
    /// believed. Its sources are those given, not those of the version before.
    Revise { id: MemoryId, expected_version: Option<u32>, statement: NewStatement },
    /// Ends what is believed, because `by` contradicts it from `at` on. Identifiers that are not
    /// believed any more are left as they are.
    Supersede { ids: Vec<MemoryId>, by: NewStatement, at: Timestamp },
    /// Makes the next version, which rests on the turns of the version before, on the statement's
    /// own and on `sources`. Adds the statement when the memory is not believed any more; when
    /// another memory says the same already, that one takes the turns.
    Merge { id: MemoryId, statement: NewStatement, sources: Vec<SourceQuote> },
    /// Believes it no longer. What was believed stays in the history; to delete it for good, see
    /// [`Workspace::forget`].
    Retract { id: MemoryId },
}

/// What a change did.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeOutcome {
    Added(Statement),
    /// Nothing was changed: this says it already.
    Present(Statement),
    /// The new version.
    Revised(Statement),
    /// `by` is believed in the place of the others.
    Superseded {
        by: Statement,
        superseded: Vec<MemoryId>,
    },
    /// The last version.
    Retracted(Statement),
    Refused(Refusal),
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was forgotten, and neither learning nor an import brings it back. A person who states it
    /// again does.
    Forgotten,
    /// None of the turns that it rests on is in the scope any more.
    SourcesGone,
}

impl ChangeOutcome {
    /// The statement that is there now; `None` when the change was refused.
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Added(statement)
            | Self::Present(statement)
            | Self::Revised(statement)
            | Self::Superseded { by: statement, .. }
            | Self::Retracted(statement) => Some(statement),
            Self::Refused(_) => None,
        }
    }
}

impl Workspace {
    /// Makes changes to a scope's statements, at most 1,000, in their order and all or none;
    /// returns one outcome for each. Turns that are not in the scope are dropped from a statement's
    /// sources, so that what was forgotten while a model read it does not come back.
    ///
    /// Fails with `invalid_request` when a statement breaks a limit, with `not_found` when one to
    /// revise or retract is not in the scope, and with `conflict` when it is not believed any more,
    /// has another version than expected, or would say what another memory says.
    pub async fn change_statements(
        &self,
        scope: &Scope,
        changes: Vec<StatementChange>,
        now: Timestamp,
    ) -> Result<Vec<ChangeOutcome>> {
        check_all(&changes)?;
        let scope = scope.clone();
        self.write(move |session, workspace| apply(session, workspace, &scope, changes, now)).await
    }
}
