//! Making changes to the statements of one scope, inside a transaction.

use backstay_core::{
    Error, ErrorCode, MemoryId, Result, Timestamp, WorkspaceId,
    memory::{MemoryState, NewStatement, Scope, SourceQuote, Statement, Trust},
};

use super::{
    ChangeOutcome, Refusal, StatementChange,
    check::{STATEMENT_SOURCES_MAX, content_hash, identity, tombstone},
    rows::{self, Version},
};
use crate::{
    db::{Failure, Session, statements, values},
    digest::identifier_digits,
    scopes::{self, scope_user},
    tombstones,
};

/// Begins the source of what comes from elsewhere.
const IMPORTED: &str = "import:";

statements! {
    BY_CONTENT = "SELECT id FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND content_hash = $4
            AND retracted_at IS NULL";
    IS_TAKEN = "SELECT 1 FROM statements WHERE workspace = $1 AND id = $2 LIMIT 1";
    EPISODE_IN_SCOPE = "SELECT 1 FROM episodes
        WHERE workspace = $1 AND id = $2 AND assistant = $3 AND user_name = $4";
    ACTIVE_OF_SOURCE = "SELECT count(*) FROM (SELECT 1 FROM statements
        WHERE workspace = $1 AND source = $2 AND assistant = $3 AND user_name = $4
            AND retracted_at IS NULL AND quarantine IS NULL LIMIT $5) AS part";
    DELETE_VECTOR = "DELETE FROM statement_vectors WHERE workspace = $1 AND statement = $2";
}

/// Makes the changes in their order. They must have been checked.
pub(crate) fn apply(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    changes: Vec<StatementChange>,
    now: Timestamp,
) -> Result<Vec<ChangeOutcome>, Failure> {
    let changing = Changing { session, workspace, scope, now };
    changes.into_iter().map(|change| changing.change(change)).collect()
}

struct Changing<'a> {
    session: &'a Session<'a>,
    workspace: &'a WorkspaceId,
    scope: &'a Scope,
    now: Timestamp,
}

impl Changing<'_> {
    fn change(&self, change: StatementChange) -> Result<ChangeOutcome, Failure> {
        match change {
            StatementChange::Add(statement) => self.add(statement),
            StatementChange::Revise { id, expected_version, statement } => {
                self.revise(&id, expected_version, statement)
            }
            StatementChange::Supersede { ids, by, at } => self.supersede(&ids, by, at),
            StatementChange::Merge { id, statement, sources } => {
                self.merge(&id, statement, sources)
            }
            StatementChange::Retract { id } => self.retract(&id),
        }
    }

    fn add(&self, statement: NewStatement) -> Result<ChangeOutcome, Failure> {
        if let Some(same) = self.saying(&statement)? {
            return Ok(ChangeOutcome::Present(same.statement));
        }
        Ok(match self.admitted(statement)? {
            Ok(statement) => ChangeOutcome::Added(self.write_first(statement)?),
            Err(refusal) => ChangeOutcome::Refused(refusal),
        })
    }

    fn revise(
        &self,
        id: &MemoryId,
        expected_version: Option<u32>,
        statement: NewStatement,
    ) -> Result<ChangeOutcome, Failure> {
        let before = self.believed(id)?;
        let version = before.statement.version;
        if expected_version.is_some_and(|expected| expected != version) {
            let message = format!("memory {id} is at version {version} now; read it again");
            return Err(Error::new(ErrorCode::Conflict, message).into());
        }
        if let Some(other) = self.saying(&statement)?.filter(|same| same.statement.id != *id) {
            let other = other.statement.id;
            let message = format!("memory {other} says this already; forget one of the two");
            return Err(Error::new(ErrorCode::Conflict, message).into());
        }
        self.next_version(before, statement)
    }

    fn merge(
        &self,
        id: &MemoryId,
        mut statement: NewStatement,
        added: Vec<SourceQuote>,
    ) -> Result<ChangeOutcome, Failure> {
        let Some(before) = self.current(id)? else {
            statement.sources = united([statement.sources, added]);
            return self.add(statement);
        };
        if let Some(other) = self.saying(&statement)?.filter(|same| same.statement.id != *id) {
            let (said, id) = (other.statement.said.clone(), other.statement.id.clone());
            return self.merge(&id, said, united([statement.sources, added]));
        }
        let sources = [before.statement.said.sources.clone(), statement.sources, added];
        statement.sources = united(sources);
        self.next_version(before, statement)
    }

    fn supersede(
        &self,
        ids: &[MemoryId],
        by: NewStatement,
        at: Timestamp,
    ) -> Result<ChangeOutcome, Failure> {
        let (by, is_new) = match self.saying(&by)? {
            Some(same) => (same.statement, false),
            None => match self.admitted(by)? {
                Ok(statement) => (self.write_first(statement)?, true),
                Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
            },
        };
        let mut superseded = Vec::new();
        for id in ids.iter().filter(|id| **id != by.id) {
            if let Some(before) = self.current(id)? {
                self.end(before, &by.id, at)?;
                superseded.push(id.clone());
            }
        }
        Ok(match (superseded.is_empty(), is_new) {
            (false, _) => ChangeOutcome::Superseded { by, superseded },
            (true, true) => ChangeOutcome::Added(by),
            (true, false) => ChangeOutcome::Present(by),
        })
    }

    fn retract(&self, id: &MemoryId) -> Result<ChangeOutcome, Failure> {
        let newest = self.newest(id)?.ok_or_else(|| not_found(id))?;
        let mut statement = newest.statement;
        if statement.retracted_at.is_none() {
            let ended = self.now.max(statement.recorded_at);
            rows::close(self.session, self.workspace, &statement, ended)?;
            self.session.execute(DELETE_VECTOR, values![self.workspace, id])?;
            self.changed()?;
            statement.retracted_at = Some(ended);
        }
        Ok(ChangeOutcome::Retracted(statement))
    }

    /// Writes the version after `before`, unless it would say the same.
    fn next_version(
        &self,
        before: Version,
        statement: NewStatement,
    ) -> Result<ChangeOutcome, Failure> {
        let statement = match self.admitted(statement)? {
            Ok(statement) => statement,
            Err(refusal) => return Ok(ChangeOutcome::Refused(refusal)),
        };
        if statement == before.statement.said {
            return Ok(ChangeOutcome::Present(before.statement));
        }
        let text_is_new = statement.text != before.statement.said.text;
        let next = self.write_next(before, |next| next.said = statement)?;
        if text_is_new {
            rows::await_vector(self.session, self.workspace, &next)?;
        }
        Ok(ChangeOutcome::Revised(next))
    }

    /// Writes the last version of a statement that is contradicted.
    fn end(&self, before: Version, by: &MemoryId, at: Timestamp) -> Result<(), Failure> {
        self.write_next(before, |last| {
            let valid = &mut last.said.valid;
            // What ends before it began has held for no time at all.
            let end = valid.from.map_or(at, |from| at.max(from));
            valid.to = Some(valid.to.map_or(end, |to| to.min(end)));
            last.retracted_at = Some(last.recorded_at);
            last.superseded_by = Some(by.clone());
        })?;
        Ok(())
    }

    fn write_next(
        &self,
        before: Version,
        make: impl FnOnce(&mut Statement),
    ) -> Result<Statement, Failure> {
        let Version { mut statement, created_at } = before;
        let recorded_at = self.now.max(statement.recorded_at);
        rows::close(self.session, self.workspace, &statement, recorded_at)?;
        statement.version += 1;
        statement.recorded_at = recorded_at;
        make(&mut statement);
        let next = Version { statement, created_at };
        rows::insert(self.session, self.workspace, &next)?;
        self.changed()?;
        Ok(next.statement)
    }

    fn write_first(&self, mut said: NewStatement) -> Result<Statement, Failure> {
        if said.state == MemoryState::Active
            && let Some(cap) = said.trust.source_cap()
            && self.active_of_source(&said.source, cap)? >= cap
        {
            let reason = format!("{} has said {cap} things already", said.source);
            said.state = MemoryState::Quarantined(reason);
        }
        let id = self.free_id(&said)?;
        self.changed()?;
        let statement = Statement {
            id,
            version: 1,
            scope: self.scope.clone(),
            said,
            recorded_at: self.now,
            retracted_at: None,
            superseded_by: None,
        };
        let first = Version { statement, created_at: self.now };
        rows::insert(self.session, self.workspace, &first)?;
        rows::await_vector(self.session, self.workspace, &first.statement)?;
        Ok(first.statement)
    }

    /// At most `count_max`.
    fn active_of_source(&self, source: &str, count_max: usize) -> Result<usize, Failure> {
        let (assistant, user) = (&self.scope.assistant, scope_user(self.scope));
        let values = values![self.workspace, source, assistant, user, count_max];
        let count: Option<u64> = self.session.one(ACTIVE_OF_SOURCE, values, |row| row.get(0))?;
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    }

    /// An identifier made of what the statement says. One that said the same before, and is not
    /// believed any more, keeps its own.
    fn free_id(&self, said: &NewStatement) -> Result<MemoryId, Failure> {
        let hash = content_hash(said);
        for number in 0.. {
            let id = MemoryId::implied(&identifier_digits(&identity(self.scope, &hash, number)));
            let taken = self.session.one(IS_TAKEN, values![self.workspace, &id], |_| Ok(()))?;
            if taken.is_none() {
                return Ok(id);
            }
        }
        Err(Error::internal("no identifier is free").into())
    }

    /// The statement as it may be written: without the turns that are not there. A person's own
    /// word lifts a tombstone.
    fn admitted(&self, mut said: NewStatement) -> Result<Result<NewStatement, Refusal>, Failure> {
        if !said.is_verbatim() {
            said.text = said.text.trim().to_owned();
        }
        let hash = tombstone(self.scope, &content_hash(&said));
        let by_hand = said.trust == Trust::DirectUser
            && said.learned_by.is_none()
            && !said.source.starts_with(IMPORTED);
        if by_hand {
            tombstones::lift(self.session, self.workspace, &hash)?;
        } else if tombstones::stands(self.session, self.workspace, &hash)? {
            return Ok(Err(Refusal::Forgotten));
        }
        let rests_on_turns = !said.sources.is_empty();
        let mut sources = Vec::with_capacity(said.sources.len());
        for source in united([said.sources]) {
            if self.has_episode(&source)? {
                sources.push(source);
            }
        }
        said.sources = sources;
        if rests_on_turns && said.sources.is_empty() {
            return Ok(Err(Refusal::SourcesGone));
        }
        Ok(Ok(said))
    }

    fn has_episode(&self, source: &SourceQuote) -> Result<bool, Failure> {
        let (assistant, user) = (&self.scope.assistant, scope_user(self.scope));
        let values = values![self.workspace, &source.episode, assistant, user];
        Ok(self.session.one(EPISODE_IN_SCOPE, values, |_| Ok(()))?.is_some())
    }

    /// What the scope believes that says the same.
    fn saying(&self, said: &NewStatement) -> Result<Option<Version>, Failure> {
        let hash = content_hash(said);
        let (assistant, user) = (&self.scope.assistant, scope_user(self.scope));
        let values = values![self.workspace, assistant, user, hash.as_slice()];
        let id: Option<MemoryId> = self.session.one(BY_CONTENT, values, |row| row.get(0))?;
        id.map_or(Ok(None), |id| rows::current(self.session, self.workspace, &id))
    }

    /// The newest version, if it is of this scope.
    fn newest(&self, id: &MemoryId) -> Result<Option<Version>, Failure> {
        let newest = rows::newest(self.session, self.workspace, id)?;
        Ok(newest.filter(|version| version.statement.scope == *self.scope))
    }

    fn current(&self, id: &MemoryId) -> Result<Option<Version>, Failure> {
        Ok(self.newest(id)?.filter(|version| version.statement.retracted_at.is_none()))
    }

    fn believed(&self, id: &MemoryId) -> Result<Version, Failure> {
        let newest = self.newest(id)?.ok_or_else(|| not_found(id))?;
        if newest.statement.retracted_at.is_none() {
            return Ok(newest);
        }
        let message = match &newest.statement.superseded_by {
            Some(by) => format!("memory {id} was superseded by {by}; change that one"),
            None => format!("memory {id} was retracted; add it anew"),
        };
        Err(Error::new(ErrorCode::Conflict, message).into())
    }

    fn changed(&self) -> Result<(), Failure> {
        scopes::changed(self.session, self.workspace, self.scope)
    }
}

fn not_found(id: &MemoryId) -> Error {
    Error::new(ErrorCode::NotFound, format!("there is no memory {id} in this scope"))
}

/// Turns of several lists, each once, as many as a statement may have.
fn united<const LISTS: usize>(lists: [Vec<SourceQuote>; LISTS]) -> Vec<SourceQuote> {
    let mut all: Vec<SourceQuote> = Vec::new();
    for source in lists.into_iter().flatten() {
        if all.len() < STATEMENT_SOURCES_MAX && all.iter().all(|s| s.episode != source.episode) {
            all.push(source);
        }
    }
    all
}
