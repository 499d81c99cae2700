//! Blocks of a large scope's words: which turns mention which term, so that a question's words are
//! looked up without the scope's turns.
//!
//! A block covers turns that were written one after another. It is made of turns, by whoever recalls, in
//! a form of its own that the store does not read; losing it loses nothing.

use backstay_core::{
    Result, WorkspaceId,
    memory::{Episode, Scope},
};

use crate::{
    Workspace,
    db::{Failure, Session, numbered, statements, values},
    episodes::episode,
    scopes::{self, scope_user},
};

/// The part of a block that describes its turns. The words are in further parts, by their hash.
const TURNS: i64 = -1;

/// The sequence numbers that a block covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSpan {
    pub first: u64,
    pub last: u64,
}

/// What one block says of its turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTurns {
    pub span: BlockSpan,
    pub content: Vec<u8>,
}

/// One part of a block's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockWords {
    pub first: u64,
    pub part: u32,
    pub content: Vec<u8>,
}

/// A block to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlock {
    pub span: BlockSpan,
    pub turns: Vec<u8>,
    /// By part; those that are not there have no words.
    pub words: Vec<(u32, Vec<u8>)>,
    /// [`ScopeVersion::forgotten`](crate::ScopeVersion::forgotten) before its turns were read.
    pub forgotten: u64,
}

macro_rules! words {
    ($numbered:expr) => {
        concat!(
            "SELECT first, part, content FROM word_blocks
            WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND part ",
            $numbered,
            " ORDER BY part, first"
        )
    };
}

macro_rules! around {
    ($numbered:expr, $beside:literal) => {
        concat!(
            "SELECT DISTINCT e.id, e.thread, e.position, e.speaker, e.author, e.text, e.said_at,
                e.sequence
            FROM episodes AS w CROSS JOIN ",
            $beside,
            " WHERE w.workspace = $1 AND w.assistant = $2 AND w.user_name = $3 AND w.sequence ",
            $numbered
        )
    };
}

statements! {
    SPANS = "SELECT first, last FROM word_blocks
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND part = -1
            AND model = $4 AND revision = $5
        ORDER BY first";
    TURNS_AFTER = "SELECT first, last, content FROM word_blocks
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND part = -1
            AND model = $4 AND revision = $5 AND first > $6
        ORDER BY first LIMIT $7";
    WORDS = words!(numbered!(sqlite "$4")), postgres: words!(numbered!(postgres "$4"));
    PUT = "INSERT INTO word_blocks
            (workspace, assistant, user_name, part, first, last, model, revision, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    DELETE_WITHIN = "DELETE FROM word_blocks
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND last >= $4 AND first <= $5";
    DELETE_ALL = "DELETE FROM word_blocks";
    BETWEEN = "SELECT id, thread, position, speaker, author, text, said_at, sequence FROM episodes
        WHERE workspace = $1 AND assistant = $2 AND user_name = $3 AND sequence BETWEEN $4 AND $5
        ORDER BY sequence";
    /// On PostgreSQL the two remembered turns on either side, whatever stands between.
    AROUND = around!(numbered!(sqlite "$4"), "episodes AS e
            ON e.workspace = w.workspace AND e.thread = w.thread
                AND e.position BETWEEN w.position - 4 AND w.position + 4"),
        postgres: around!(numbered!(postgres "$4"), "LATERAL (
            (SELECT * FROM episodes AS after
            WHERE after.workspace = w.workspace AND after.thread = w.thread
                AND after.position >= w.position
            ORDER BY after.position LIMIT 3)
            UNION ALL
            (SELECT * FROM episodes AS before
            WHERE before.workspace = w.workspace AND before.thread = w.thread
                AND before.position < w.position
            ORDER BY before.position DESC LIMIT 2)) AS e");
}

impl Workspace {
    /// What blocks of a scope there are beside vectors of this model, in order.
    pub async fn block_spans(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
    ) -> Result<Vec<BlockSpan>> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            session.all(SPANS, values![workspace, assistant, user, &model, &revision], |row| {
                Ok(BlockSpan { first: row.get(0)?, last: row.get(1)? })
            })
        })
        .await
    }

    /// What at most so many blocks say of their turns, those that begin after a sequence number.
    pub async fn block_turns(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
        after: u64,
        blocks_max: usize,
    ) -> Result<Vec<BlockTurns>> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, &model, &revision, after, blocks_max];
            session.all(TURNS_AFTER, values, |row| {
                let span = BlockSpan { first: row.get(0)?, last: row.get(1)? };
                Ok(BlockTurns { span, content: row.bytes(2)?.to_vec() })
            })
        })
        .await
    }

    /// Parts of the words of all blocks of a scope.
    pub async fn block_words(&self, scope: &Scope, parts: &[u32]) -> Result<Vec<BlockWords>> {
        let (scope, parts) = (scope.clone(), numbers(parts.iter().map(|part| u64::from(*part))));
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            session.all(WORDS, values![workspace, assistant, user, &parts], |row| {
                Ok(BlockWords {
                    first: row.get(0)?,
                    part: row.get(1)?,
                    content: row.bytes(2)?.to_vec(),
                })
            })
        })
        .await
    }

    /// Stores a block in the place of all that it overlaps. False, and nothing is stored, when
    /// something of the scope was forgotten since the block's turns were read.
    pub async fn put_block(
        &self,
        scope: &Scope,
        model: &str,
        revision: &str,
        block: NewBlock,
    ) -> Result<bool> {
        let (scope, model, revision) = (scope.clone(), model.to_owned(), revision.to_owned());
        self.write(move |session, workspace| {
            if scopes::version(session, workspace, &scope)?.forgotten != block.forgotten {
                return Ok(false);
            }
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let BlockSpan { first, last } = block.span;
            session.execute(DELETE_WITHIN, values![workspace, assistant, user, first, last])?;
            let turns = (TURNS, &block.turns);
            let words = block.words.iter().map(|(part, content)| (i64::from(*part), content));
            for (part, content) in std::iter::once(turns).chain(words) {
                let values = values![
                    workspace,
                    assistant,
                    user,
                    part,
                    first,
                    last,
                    &model,
                    &revision,
                    content.as_slice(),
                ];
                session.execute(PUT, values)?;
            }
            Ok(true)
        })
        .await
    }

    /// The turns of a scope between two sequence numbers, both included, each with its own.
    pub async fn episodes_between(
        &self,
        scope: &Scope,
        span: BlockSpan,
    ) -> Result<Vec<(u64, Episode)>> {
        let scope = scope.clone();
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, span.first, span.last];
            session.all(BETWEEN, values, |row| Ok((row.get(7)?, episode(row)?)))
        })
        .await
    }

    /// Turns of a scope by their sequence numbers, with at least two on either side of each in its
    /// thread, in the order in which they were written.
    pub async fn episodes_around(
        &self,
        scope: &Scope,
        sequences: &[u64],
    ) -> Result<Vec<(u64, Episode)>> {
        let (scope, sequences) = (scope.clone(), numbers(sequences.iter().copied()));
        self.read_for_recall(move |session, workspace| {
            let (assistant, user) = (&scope.assistant, scope_user(&scope));
            let values = values![workspace, assistant, user, &sequences];
            let mut found = session.all(AROUND, values, |row| Ok((row.get(7)?, episode(row)?)))?;
            found.sort_unstable_by_key(|(sequence, _): &(u64, Episode)| *sequence);
            Ok(found)
        })
        .await
    }
}

/// Deletes the block that covers a turn, which is forgotten.
pub(crate) fn forget(
    session: &Session<'_>,
    workspace: &WorkspaceId,
    scope: &Scope,
    sequence: u64,
) -> Result<(), Failure> {
    let values = values![workspace, &scope.assistant, scope_user(scope), sequence, sequence];
    session.execute(DELETE_WITHIN, values)?;
    Ok(())
}

/// Deletes every block of every workspace.
pub(crate) fn delete_all(session: &Session<'_>) -> Result<(), Failure> {
    session.execute(DELETE_ALL, &[])?;
    Ok(())
}

/// As an array in JSON.
fn numbers(all: impl Iterator<Item = u64>) -> String {
    let all: Vec<String> = all.map(|number| number.to_string()).collect();
    format!("[{}]", all.join(","))
}
