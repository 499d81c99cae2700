//! Lists of statements for people: filtered, newest first, in pages.

use std::ops::Range;

use backstay_core::{
    Result, Timestamp, WorkspaceId,
    memory::{MemoryKind, MemoryState, Scope, Statement},
};
use serde_json::{Map, Value};

use super::rows::{self, Version, columns};
use crate::{
    Page, PageRequest, Workspace,
    db::{Failure, Session, statements, values},
    scopes::scope_user,
};

/// Rows that are read at once while those that a filter lets through are looked for.
const ROWS_AT_ONCE: usize = 500;

/// What has become of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatementState {
    /// Believed, and recalled.
    #[default]
    Active,
    /// Believed, but kept aside.
    Quarantined,
    /// Another took its place.
    Superseded,
    /// Believed no longer, without another in its place.
    Retracted,
}

/// Which statements; a field that is `None` or empty lets all through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementFilter {
    pub state: Option<StatementState>,
    pub kind: Option<MemoryKind>,
    pub source: Option<String>,
    /// Without regard to case.
    pub subject: Option<String>,
    /// Without regard to case.
    pub text_contains: Option<String>,
    /// Every one of these must be there with an equal value.
    pub metadata: Map<String, Value>,
    pub said: Option<Range<Timestamp>>,
    /// Of the newest version.
    pub recorded: Option<Range<Timestamp>>,
    pub pinned: Option<bool>,
}

/// How many statements of a scope there are, by what has become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementCounts {
    pub active: u64,
    pub quarantined: u64,
    pub superseded: u64,
    pub retracted: u64,
}

statements! {
    COUNTS = "SELECT
            coalesce(sum(CASE WHEN retracted_at IS NULL AND quarantine IS NULL THEN 1 ELSE 0 END), 0),
            coalesce(sum(CASE WHEN retracted_at IS NULL AND quarantine IS NOT NULL THEN 1 ELSE 0 END), 0),
            coalesce(sum(CASE WHEN superseded_by IS NOT NULL THEN 1 ELSE 0 END), 0),
            coalesce(sum(CASE WHEN retracted_at IS NOT NULL AND superseded_by IS NULL THEN 1 ELSE 0 END), 0)
        FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3
            AND NOT EXISTS (SELECT 1 FROM statements AS later
                WHERE later.workspace = $1 AND later.id = statements.id
                    AND later.version > statements.version)";
    NEWEST_VERSIONS = concat!("SELECT ", columns!(), " FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND (created_at, id) < ($4, $5)
            AND NOT EXISTS (SELECT 1 FROM statements AS later
                WHERE later.workspace = $1 AND later.id = statements.id
                    AND later.version > statements.version)
        ORDER BY created_at DESC, id DESC LIMIT $6");
}

impl StatementState {
    pub const ALL: [Self; 4] = [Self::Active, Self::Quarantined, Self::Superseded, Self::Retracted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Superseded => "superseded",
            Self::Retracted => "retracted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// What has become of the statement whose newest version this is.
    pub fn of(newest: &Statement) -> Self {
        match (&newest.retracted_at, &newest.superseded_by, &newest.said.state) {
            (_, Some(_), _) => Self::Superseded,
            (Some(_), None, _) => Self::Retracted,
            (None, None, MemoryState::Active) => Self::Active,
            (None, None, MemoryState::Quarantined(_)) => Self::Quarantined,
        }
    }
}

impl StatementFilter {
    pub fn matches(&self, newest: &Statement) -> bool {
        let said = &newest.said;
        let contains = |text: &String| said.text.to_lowercase().contains(&text.to_lowercase());
        let is_about = |subject: &String| {
            said.subject.as_ref().is_some_and(|s| s.to_lowercase() == subject.to_lowercase())
        };
        self.state.is_none_or(|state| StatementState::of(newest) == state)
            && self.kind.is_none_or(|kind| said.kind == kind)
            && self.source.as_ref().is_none_or(|source| said.source == *source)
            && self.subject.as_ref().is_none_or(is_about)
            && self.text_contains.as_ref().is_none_or(contains)
            && self.metadata.iter().all(|(key, value)| said.metadata.get(key) == Some(value))
            && self.said.as_ref().is_none_or(|range| range.contains(&said.said_at))
            && self.recorded.as_ref().is_none_or(|range| range.contains(&newest.recorded_at))
            && self.pinned.is_none_or(|pinned| said.pinned == pinned)
    }
}

impl Workspace {
    pub async fn statement_counts(&self, scope: &Scope) -> Result<StatementCounts> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            let values = values![workspace, &scope.assistant, scope_user(&scope)];
            let counts = session.one(COUNTS, values, |row| {
                Ok(StatementCounts {
                    active: row.get(0)?,
                    quarantined: row.get(1)?,
                    superseded: row.get(2)?,
                    retracted: row.get(3)?,
                })
            })?;
            Ok(counts.unwrap_or_default())
        })
        .await
    }

    /// The newest versions of a scope's statements that the filter lets through, most recently
    /// added first. An edit does not move a statement to another page.
    pub async fn list_statements(
        &self,
        scope: &Scope,
        filter: StatementFilter,
        page: PageRequest,
    ) -> Result<Page<Statement>> {
        let scope = scope.clone();
        self.read(move |session, workspace| {
            let after = page.after((i64::MAX, ""))?;
            let found = matching(session, workspace, &scope, &filter, after, page.rows())?;
            let Page { items, next } = Page::of(found, &page, |last: &Version| {
                (last.created_at.micros(), last.statement.id.as_str())
            });
            let items: Result<Vec<Statement>, Failure> = items
                .into_iter()
                .map(|version| Ok(rows::with_sources(session, workspace, version)?.statement))
                .collect();
            Ok(Page { items: items?, next })
        })
        .await
    }
}

/// At most `wanted` versions that the filter lets through, without their sources.
fn matching(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    filter: &StatementFilter,
    after: (i64, String),
    wanted: usize,
) -> Result<Vec<Version>, Failure> {
    let (assistant, user) = (&scope.assistant, scope_user(scope));
    let (mut created_at, mut id) = after;
    let mut found = Vec::new();
    loop {
        let values = values![workspace, assistant, user, created_at, &id, ROWS_AT_ONCE];
        let read = session.all(NEWEST_VERSIONS, values, rows::version)?;
        let Some(last) = read.last().filter(|_| read.len() == ROWS_AT_ONCE) else {
            found.extend(read.into_iter().filter(|v| filter.matches(&v.statement)));
            break;
        };
        (created_at, id) = (last.created_at.micros(), last.statement.id.to_string());
        found.extend(read.into_iter().filter(|v| filter.matches(&v.statement)));
        if found.len() >= wanted {
            break;
        }
    }
    found.truncate(wanted);
    Ok(found)
}
