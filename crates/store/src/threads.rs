//! Threads: conversations that the server keeps.

use backstay_core::{
    Error, ErrorCode, Name, Result, ThreadId, Timestamp, WorkspaceId,
    memory::{RecalledId, Scope},
};

use crate::{
    LEARN_JOB, Page, PageRequest, Workspace,
    db::{Failure, Row, Session, statements, values},
    documents,
    forget::{ComesBack, Plan, carry_out},
    scopes::scope_user,
};

/// Threads that are read at once, beside pages.
const RECENT_MAX: usize = 200;

/// A thread to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewThread {
    pub id: ThreadId,
    pub scope: Scope,
    pub title: Option<String>,
    pub created_at: Timestamp,
    /// Its messages are kept, and nothing of it is remembered.
    pub incognito: bool,
}

/// A thread as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub id: ThreadId,
    pub scope: Scope,
    pub title: Option<String>,
    pub created_at: Timestamp,
    /// When its last message was added.
    pub updated_at: Timestamp,
    pub message_count: u32,
    /// Nothing of it is remembered.
    pub incognito: bool,
}

statements! {
    /// Adds to the count of messages and makes the thread if need be. In one statement, so that two
    /// turns that end at once are given different positions.
    EXTEND = "INSERT INTO threads
            (workspace, id, assistant, user_name, title, created_at, updated_at, message_count,
             incognito)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace, id) DO UPDATE SET
            message_count = threads.message_count + excluded.message_count,
            updated_at = excluded.updated_at
        RETURNING id, assistant, user_name, title, created_at, updated_at, message_count, incognito";
    ONE = "SELECT id, assistant, user_name, title, created_at, updated_at, message_count,
            incognito
        FROM threads WHERE workspace = $1 AND id = $2";
    LIST = "SELECT id, assistant, user_name, title, created_at, updated_at, message_count,
            incognito
        FROM threads WHERE workspace = $1 AND (updated_at, id) < ($2, $3)
        ORDER BY updated_at DESC, id DESC LIMIT $4";
    RECENT = "SELECT id, assistant, user_name, title, created_at, updated_at, message_count,
            incognito
        FROM threads WHERE workspace = $1
        ORDER BY updated_at DESC, id DESC LIMIT $2 OFFSET $3";
    RECENT_OF_ASSISTANT = "SELECT id, assistant, user_name, title, created_at, updated_at,
            message_count, incognito
        FROM threads WHERE workspace = $1 AND assistant = $2
        ORDER BY updated_at DESC, id DESC LIMIT $3 OFFSET $4";
    EPISODES = "SELECT id FROM episodes WHERE workspace = $1 AND thread = $2";
    DELETE_LEARNING = "DELETE FROM jobs WHERE workspace = $1 AND kind = $2 AND key = $3";
    DELETE = "DELETE FROM threads WHERE workspace = $1 AND id = $2";
}

impl Workspace {
    pub async fn thread(&self, id: &ThreadId) -> Result<Option<Thread>> {
        let id = id.clone();
        self.read(move |session, workspace| one(session, workspace, &id)).await
    }

    /// Most recently used first.
    pub async fn list_threads(&self, page: PageRequest) -> Result<Page<Thread>> {
        self.read(move |session, workspace| {
            let (updated_at, id) = page.after((i64::MAX, ""))?;
            let values = values![workspace, updated_at, &id, page.rows()];
            let threads = session.all(LIST, values, thread)?;
            Ok(Page::of(threads, &page, |last| (last.updated_at.micros(), last.id.as_str())))
        })
        .await
    }

    /// Most recently used first, at most 200 after those that are skipped; those of one assistant only, if
    /// one is given.
    pub async fn recent_threads(
        &self,
        assistant: Option<&Name>,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Thread>> {
        let (assistant, limit) = (assistant.cloned(), limit.clamp(1, RECENT_MAX));
        self.read(move |session, workspace| match &assistant {
            Some(assistant) => {
                let values = values![workspace, assistant, limit, skip];
                session.all(RECENT_OF_ASSISTANT, values, thread)
            }
            None => session.all(RECENT, values![workspace, limit, skip], thread),
        })
        .await
    }

    /// Opens a thread in which nothing was said yet. Fails with `conflict` when there is one of this id
    /// for another scope.
    pub async fn open_thread(&self, new: NewThread) -> Result<Thread> {
        self.write_beside(move |session, workspace| {
            let (kept, _) = extend(session, workspace, &new, 0, new.created_at)?;
            if kept.scope != new.scope {
                return Err(of_another_scope(&kept.id).into());
            }
            Ok(kept)
        })
        .await
    }

    /// Deletes a thread for good, with its messages, its episodes, and what was made of them, as
    /// [`Workspace::forget`] does, and with its documents. Whether there was one.
    pub async fn delete_thread(&self, id: &ThreadId, now: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.erase(move |session, workspace| {
            if one(session, workspace, &id)?.is_none() {
                return Ok(false);
            }
            let episodes: Vec<RecalledId> =
                session.all(EPISODES, values![workspace, &id], |row| row.get(0))?;
            let plan = Plan::of(session, workspace, &episodes)?;
            carry_out(session, workspace, &plan, ComesBack::WhenSaidAgain, now)?;
            session.execute(DELETE_LEARNING, values![workspace, LEARN_JOB, &id])?;
            documents::delete_of_thread(session, workspace, &id, now)?;
            session.execute(DELETE, values![workspace, &id])?;
            Ok(true)
        })
        .await
    }
}

/// Makes room for `messages` more in the thread, which is opened if need be. Returns the thread as
/// it is kept and the position of the first of them.
pub(crate) fn extend(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    thread: &NewThread,
    messages: u32,
    now: Timestamp,
) -> Result<(Thread, u32), Failure> {
    let user = scope_user(&thread.scope);
    let title = thread.title.as_ref();
    let (id, assistant) = (&thread.id, &thread.scope.assistant);
    let values = values![
        workspace,
        id,
        assistant,
        user,
        title,
        thread.created_at,
        now,
        messages,
        thread.incognito,
    ];
    let kept = session.one(EXTEND, values, self::thread)?;
    let kept = kept.ok_or_else(|| Error::internal("a thread was not returned"))?;
    let first = kept.message_count.saturating_sub(messages);
    Ok((kept, first))
}

pub(crate) fn one(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    id: &ThreadId,
) -> Result<Option<Thread>, Failure> {
    session.one(ONE, values![workspace, id], thread)
}

fn thread(row: &Row<'_>) -> Result<Thread, Failure> {
    Ok(Thread {
        id: row.get(0)?,
        scope: scope(row, 1)?,
        title: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        message_count: row.get(6)?,
        incognito: row.get(7)?,
    })
}

/// A scope from the columns `assistant` and `user_name`, the second right after the first.
pub(crate) fn scope(row: &Row<'_>, assistant: usize) -> Result<Scope, Failure> {
    let user: String = row.get(assistant + 1)?;
    Ok(Scope { assistant: row.get(assistant)?, user: Name::parse(&user) })
}

pub(crate) fn of_another_scope(thread: &ThreadId) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("thread {thread} belongs to another assistant or user; open a new thread"),
    )
}
