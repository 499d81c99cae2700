//! Reading statements: one, or all that a scope's index holds.

use std::collections::HashMap;

use backstay_core::{
    MemoryId, Result,
    memory::{Scope, SourceQuote, Statement},
};

use super::rows::{self, columns};
use crate::{
    ScopeVersion, Workspace,
    db::{statements, values},
    scopes::{self, scope_user},
};

/// Which of a scope's statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementSet {
    /// What may be recalled: active ones, and for questions about the past the last version of
    /// superseded ones, which names its successor and has the end of its interval. None that is
    /// quarantined, and none that was quarantined when it was superseded.
    Recallable,
    /// What is believed now, active and quarantined: what new knowledge is compared with.
    Believed,
}

/// A scope's statements and the version of the scope that they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeStatements {
    /// In the order in which they were first recorded.
    pub statements: Vec<Statement>,
    pub version: ScopeVersion,
}

statements! {
    RECALLABLE = concat!("SELECT ", columns!(), " FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND quarantine IS NULL
            AND (retracted_at IS NULL OR superseded_by IS NOT NULL)
        ORDER BY created_at, id");
    BELIEVED = concat!("SELECT ", columns!(), " FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND retracted_at IS NULL
        ORDER BY created_at, id");
    SOURCES = "SELECT s.id, s.version, q.episode, q.quote
        FROM statements AS s
        CROSS JOIN statement_sources AS q
        WHERE s.workspace = $1 AND s.assistant = $2 AND s.user_name = $3
            AND (s.retracted_at IS NULL OR s.superseded_by IS NOT NULL)
            AND q.workspace = s.workspace AND q.id = s.id AND q.version = s.version
        ORDER BY q.id, q.version, q.number";
}

impl Workspace {
    /// The newest version of a statement, believed or not.
    pub async fn statement(&self, id: &MemoryId) -> Result<Option<Statement>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let newest = rows::newest(session, workspace, &id)?;
            Ok(newest.map(|version| version.statement))
        })
        .await
    }

    /// All of a scope's statements of a set, whether expired or not, and the scope's version as of
    /// the same moment.
    pub async fn scope_statements(
        &self,
        scope: &Scope,
        set: StatementSet,
    ) -> Result<ScopeStatements> {
        let scope = scope.clone();
        self.read_for_recall(move |session, workspace| {
            let version = scopes::version(session, workspace, &scope)?;
            let of_scope = values![workspace, &scope.assistant, scope_user(&scope)];
            let mut sources: HashMap<(MemoryId, u32), Vec<SourceQuote>> = HashMap::new();
            session.all(SOURCES, of_scope, |row| {
                let quote = SourceQuote { episode: row.get(2)?, quote: row.get(3)? };
                sources.entry((row.get(0)?, row.get(1)?)).or_default().push(quote);
                Ok(())
            })?;
            let statement = match set {
                StatementSet::Recallable => RECALLABLE,
                StatementSet::Believed => BELIEVED,
            };
            let statements = session.all(statement, of_scope, |row| {
                let mut found = rows::version(row)?.statement;
                let key = (found.id.clone(), found.version);
                found.said.sources = sources.remove(&key).unwrap_or_default();
                Ok(found)
            })?;
            Ok(ScopeStatements { statements, version })
        })
        .await
    }
}
