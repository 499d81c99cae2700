//! Memory on its way out of this store and into it, whole: with its identifiers, so that what comes
//! in again is known, and what goes out again is the same.

use std::collections::HashSet;

use backstay_core::{
    EpisodeId, Error, MemoryId, PortableMessage, PortableRecord, PortableThread, PortableTurn,
    Result, ThreadId, WorkspaceId,
    memory::{Episode, MemoryState, Scope, Statement},
};

use crate::{
    NewMessage, NewThread, Workspace,
    db::{Failure, Row, Session, statements, values},
    episodes::{self, Origin, listed},
    messages,
    scopes::{self, scope_user},
    statements::{self, Version, check, content_hash, tombstone},
    threads, tombstones,
};

/// What came of carrying something in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub turns_added: usize,
    pub turns_present: usize,
    pub statements_added: usize,
    pub statements_present: usize,
    /// Turns and statements that were forgotten here, which do not come back.
    pub forgotten: usize,
}

/// Records that one transaction takes in.
pub const RECORDS_AT_ONCE_MAX: usize = 1_000;

statements! {
    THREADS = "SELECT id FROM threads WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3";
    THREADS_OF_SCOPE = "SELECT id FROM threads
        WHERE workspace = $1 AND id > $2 AND assistant = $3 AND user_name = $4
        ORDER BY id LIMIT $5";
    MESSAGES = "SELECT id, author, content, said_at, incomplete FROM messages
        WHERE workspace = $1 AND thread = $2 ORDER BY position";
    MESSAGE_IDS = "SELECT id FROM messages WHERE workspace = $1 AND thread = $2";
    TURNS = concat!("SELECT ", episodes::columns!(), " FROM episodes
        WHERE workspace = $1 AND thread = $2 ORDER BY position");
    IS_TURN = "SELECT 1 FROM episodes WHERE workspace = $1 AND id = $2";
    STATEMENTS = "SELECT DISTINCT id FROM statements WHERE workspace = $1 AND id > $2
        ORDER BY id LIMIT $3";
    STATEMENTS_OF_SCOPE = "SELECT DISTINCT id FROM statements
        WHERE workspace = $1 AND id > $2 AND assistant = $3 AND user_name = $4
        ORDER BY id LIMIT $5";
    IS_SAID = "SELECT 1 FROM statements
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND content_hash = $4
            AND retracted_at IS NULL";
}

impl Workspace {
    /// Identifiers of threads, ascending, after the given one; of one scope or of all.
    pub async fn thread_ids(
        &self,
        scope: Option<&Scope>,
        after: Option<&ThreadId>,
        limit: usize,
    ) -> Result<Vec<ThreadId>> {
        let (scope, after) = (scope.cloned(), after.map(ToString::to_string).unwrap_or_default());
        self.read(move |session, workspace| {
            let id = |row: &Row<'_>| row.get(0);
            match &scope {
                None => session.all(THREADS, values![workspace, &after, limit], id),
                Some(scope) => {
                    let (assistant, user) = (&scope.assistant, scope_user(scope));
                    let values = values![workspace, &after, assistant, user, limit];
                    session.all(THREADS_OF_SCOPE, values, id)
                }
            }
        })
        .await
    }

    /// The same of statements.
    pub async fn statement_ids(
        &self,
        scope: Option<&Scope>,
        after: Option<&MemoryId>,
        limit: usize,
    ) -> Result<Vec<MemoryId>> {
        let (scope, after) = (scope.cloned(), after.map(ToString::to_string).unwrap_or_default());
        self.read(move |session, workspace| {
            let id = |row: &Row<'_>| row.get(0);
            match &scope {
                None => session.all(STATEMENTS, values![workspace, &after, limit], id),
                Some(scope) => {
                    let (assistant, user) = (&scope.assistant, scope_user(scope));
                    let values = values![workspace, &after, assistant, user, limit];
                    session.all(STATEMENTS_OF_SCOPE, values, id)
                }
            }
        })
        .await
    }

    /// A whole thread; `None` when it was deleted meanwhile.
    pub async fn portable_thread(&self, id: &ThreadId) -> Result<Option<PortableThread>> {
        let id = id.clone();
        self.read(move |session, workspace| {
            let Some(thread) = threads::one(session, workspace, &id)? else { return Ok(None) };
            let turns = session.all(TURNS, values![workspace, &id], |row| {
                let (_, stored) = listed(row)?;
                Ok(PortableTurn {
                    id: stored.episode.id,
                    position: stored.episode.position,
                    speaker: stored.episode.speaker,
                    author: stored.episode.author,
                    text: stored.episode.text,
                    said_at: stored.episode.said_at,
                    recorded_at: stored.recorded_at,
                    source: stored.source,
                    trust: stored.trust,
                })
            })?;
            Ok(Some(PortableThread {
                id: thread.id,
                assistant: thread.scope.assistant,
                user: thread.scope.user,
                title: thread.title,
                created_at: thread.created_at,
                updated_at: thread.updated_at,
                incognito: thread.incognito,
                messages: session.all(MESSAGES, values![workspace, &id], portable_message)?,
                turns,
            }))
        })
        .await
    }

    /// Every version of some statements, in the order of the identifiers, oldest first.
    pub async fn statement_versions(&self, ids: &[MemoryId]) -> Result<Vec<Statement>> {
        let ids = ids.to_vec();
        self.read(move |session, workspace| {
            let mut found = Vec::new();
            for id in &ids {
                let versions = statements::versions(session, workspace, id)?;
                found.extend(versions.into_iter().map(|version| version.statement));
            }
            Ok(found)
        })
        .await
    }

    /// Takes records in, all or none; what is there already stays as it is, and what was forgotten
    /// here does not come back. The versions of one statement must stand together, oldest first.
    ///
    /// Fails with `invalid_request` above 1,000 records and when a statement breaks a limit, and
    /// with `conflict` when a thread belongs to another scope.
    pub async fn restore(&self, records: Vec<PortableRecord>) -> Result<Restored> {
        if records.len() > RECORDS_AT_ONCE_MAX {
            let message = format!("one call takes in at most {RECORDS_AT_ONCE_MAX} records");
            return Err(Error::invalid(message));
        }
        self.write(move |session, workspace| {
            let mut restoring = Restoring { session, workspace, done: Restored::default() };
            let mut versions: Vec<Statement> = Vec::new();
            for record in records {
                match record {
                    PortableRecord::Thread(thread) => restoring.thread(thread)?,
                    PortableRecord::Statement(statement) => {
                        check(&statement.said)?;
                        if versions.last().is_some_and(|last| last.id != statement.id) {
                            restoring.statement(std::mem::take(&mut versions))?;
                        }
                        versions.push(*statement);
                    }
                }
            }
            restoring.statement(versions)?;
            Ok(restoring.done)
        })
        .await
    }
}

struct Restoring<'a> {
    session: &'a Session<'a>,
    workspace: &'a WorkspaceId,
    done: Restored,
}

impl Restoring<'_> {
    fn thread(&mut self, thread: PortableThread) -> Result<(), Failure> {
        let (session, workspace) = (self.session, self.workspace);
        let scope = thread.scope();
        let known: HashSet<String> = session
            .all(MESSAGE_IDS, values![workspace, &thread.id], |row| row.get(0))?
            .into_iter()
            .collect();
        let new: Vec<PortableMessage> = thread
            .messages
            .into_iter()
            .filter(|message| !known.contains(message.id.as_str()))
            .collect();
        let count = u32::try_from(new.len()).map_err(|_| Error::invalid("too many messages"))?;
        let opened = NewThread {
            id: thread.id.clone(),
            scope: scope.clone(),
            title: thread.title,
            created_at: thread.created_at,
            incognito: thread.incognito,
        };
        let (kept, first) = threads::extend(session, workspace, &opened, count, thread.updated_at)?;
        if kept.scope != scope {
            return Err(threads::of_another_scope(&kept.id).into());
        }
        for (position, message) in (first..).zip(new) {
            let message = NewMessage {
                id: message.id,
                author: message.author,
                message: message.message,
                said_at: message.said_at,
                incomplete: message.incomplete,
                metadata: None,
            };
            messages::insert(session, workspace, &kept.id, position, None, &message)?;
        }
        let mut turns = Vec::new();
        for turn in thread.turns {
            if tombstones::stands(session, workspace, &tombstones::of_episode(&turn.id))? {
                self.done.forgotten += 1;
            } else if session.one(IS_TURN, values![workspace, &turn.id], |_| Ok(()))?.is_some() {
                self.done.turns_present += 1;
            } else {
                turns.push(turn);
            }
        }
        self.done.turns_added += turns.len();
        if turns.is_empty() {
            return Ok(());
        }
        let sequence = scopes::written(session, workspace, &scope, turns.len())?;
        for (sequence, turn) in (sequence..).zip(turns) {
            let origin =
                Origin { source: &turn.source, recorded_at: turn.recorded_at, trust: turn.trust };
            let episode = episode(&kept.id, &turn);
            episodes::insert(session, workspace, &scope, sequence, &episode, &origin)?;
        }
        Ok(())
    }

    /// All versions of one statement.
    fn statement(&mut self, versions: Vec<Statement>) -> Result<(), Failure> {
        let (session, workspace) = (self.session, self.workspace);
        let Some((first, newest)) = versions.first().zip(versions.last()) else { return Ok(()) };
        let scope = newest.scope.clone();
        if !statements::versions(session, workspace, &newest.id)?.is_empty() {
            self.done.statements_present += 1;
            return Ok(());
        }
        let hash = content_hash(&newest.said);
        if tombstones::stands(session, workspace, &tombstone(&scope, &hash))? {
            self.done.forgotten += 1;
            return Ok(());
        }
        let is_believed = newest.retracted_at.is_none();
        let values = values![workspace, &scope.assistant, scope_user(&scope), hash.as_slice()];
        if is_believed && session.one(IS_SAID, values, |_| Ok(()))?.is_some() {
            self.done.statements_present += 1;
            return Ok(());
        }
        scopes::changed(session, workspace, &scope)?;
        let created_at = first.recorded_at;
        for statement in &versions {
            let version = Version { statement: statement.clone(), created_at };
            statements::insert(session, workspace, &version)?;
        }
        let may_be_recalled = is_believed || newest.superseded_by.is_some();
        if may_be_recalled && newest.said.state == MemoryState::Active {
            statements::await_vector(session, workspace, newest)?;
        }
        self.done.statements_added += 1;
        Ok(())
    }
}

fn episode(thread: &ThreadId, turn: &PortableTurn) -> Episode {
    Episode {
        id: EpisodeId::clone(&turn.id),
        thread: thread.clone(),
        position: turn.position,
        speaker: turn.speaker,
        author: turn.author.clone(),
        text: turn.text.clone(),
        said_at: turn.said_at,
    }
}

fn portable_message(row: &Row<'_>) -> Result<PortableMessage, Failure> {
    let content = row.json(2)?;
    Ok(PortableMessage {
        id: row.get(0)?,
        author: row.get(1)?,
        message: content.ok_or_else(|| Error::internal("a stored message has no content"))?,
        said_at: row.get(3)?,
        incomplete: row.get(4)?,
    })
}
