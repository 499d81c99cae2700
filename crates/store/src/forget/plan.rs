//! What goes when turns and statements are forgotten, worked out before anything is deleted.

use std::collections::{BTreeMap, BTreeSet};

use backstay_core::{
    EpisodeId, MemoryId, ThreadId, WorkspaceId,
    memory::{RecalledId, Scope},
};

use super::Forgotten;
use crate::{
    db::{Failure, Session, statements, values},
    statements::{self, Version},
    summaries,
};

statements! {
    PASSAGES = "SELECT count(*) FROM episode_vectors
        WHERE workspace = $1 AND episode = $2 AND vector IS NOT NULL";
    THREAD = "SELECT thread FROM episodes WHERE workspace = $1 AND id = $2";
    /// What was said to the user right after.
    ANSWER = "SELECT a.id FROM episodes AS q
        JOIN episodes AS a ON a.workspace = q.workspace AND a.thread = q.thread
            AND a.position = q.position + 1
        WHERE q.workspace = $1 AND q.id = $2 AND q.speaker = 'user' AND a.speaker = 'assistant'";
    RESTING_ON = "SELECT DISTINCT id FROM statement_sources WHERE workspace = $1 AND episode = $2";
    HAS_VECTOR = "SELECT count(*) FROM statement_vectors
        WHERE workspace = $1 AND statement = $2 AND vector IS NOT NULL";
}

/// What is to be done, in full.
#[derive(Default)]
pub(crate) struct Plan {
    pub(super) episodes: BTreeSet<EpisodeId>,
    pub(super) gone: BTreeMap<MemoryId, Vec<Version>>,
    pub(super) weakened: BTreeMap<MemoryId, Weakened>,
    /// What had been superseded by one that goes, and what has taken that one's place by now, if
    /// anything has.
    pub(super) orphaned: BTreeMap<MemoryId, Option<MemoryId>>,
    /// Threads whose summaries go.
    pub(super) summaries: BTreeSet<ThreadId>,
    /// Whether what was said stays in its thread, where it is a memory no longer.
    pub(super) keeps_words: bool,
    vectors: u64,
}

/// A statement that stays, and its earlier wordings that do not.
pub(super) struct Weakened {
    pub(super) scope: Scope,
    pub(super) versions_gone: Vec<u32>,
}

impl Plan {
    pub(crate) fn of(
        session: &Session<'_>,
        workspace: &WorkspaceId,
        ids: &[RecalledId],
    ) -> Result<Self, Failure> {
        let mut plan = Self::default();
        let mut resting: BTreeSet<MemoryId> = BTreeSet::new();
        for id in ids {
            match id {
                RecalledId::Summary(thread) => {
                    if summaries::one(session, workspace, thread)?.is_some() {
                        plan.summaries.insert(thread.clone());
                    }
                }
                RecalledId::Memory(id) => plan.lose_statement(session, workspace, id)?,
                // A document is deleted as a whole.
                RecalledId::Chunk(_) => {}
                RecalledId::Episode(id) => {
                    resting.extend(plan.lose_episode(session, workspace, id)?);
                }
            }
        }
        for id in resting {
            if !plan.gone.contains_key(&id) {
                plan.lose_sources(session, workspace, &id)?;
            }
        }
        plan.find_orphans(session, workspace)?;
        Ok(plan)
    }

    /// A statement with the turns that it was learned from and the answers to these, which may repeat it.
    /// What else was learned from them stays, and so do the conversations.
    pub(crate) fn of_learned(
        session: &Session<'_>,
        workspace: &WorkspaceId,
        id: &MemoryId,
    ) -> Result<Self, Failure> {
        let mut plan = Self { keeps_words: true, ..Self::default() };
        plan.lose_statement(session, workspace, id)?;
        let versions = plan.gone.get(id).map(Vec::as_slice).unwrap_or_default();
        let sources = versions.iter().flat_map(|version| &version.statement.said.sources);
        let mut turns: BTreeSet<EpisodeId> = sources.map(|source| source.episode.clone()).collect();
        for turn in turns.clone() {
            turns.extend(session.all(ANSWER, values![workspace, &turn], |row| row.get(0))?);
        }
        let mut resting: BTreeSet<MemoryId> = BTreeSet::new();
        for turn in &turns {
            resting.extend(plan.lose_episode(session, workspace, turn)?);
        }
        for other in resting {
            let versions = statements::versions(session, workspace, &other)?;
            if let Some(newest) = versions.last().filter(|_| !plan.gone.contains_key(&other)) {
                let scope = newest.statement.scope.clone();
                plan.weakened.insert(other, Weakened { scope, versions_gone: Vec::new() });
            }
        }
        plan.find_orphans(session, workspace)?;
        Ok(plan)
    }

    /// Empties memory and leaves conversations as they are.
    pub(super) fn keeping_words(self) -> Self {
        Self { keeps_words: true, ..self }
    }

    pub(crate) fn forgotten(&self) -> Forgotten {
        let restored = self.orphaned.iter().filter(|(_, successor)| successor.is_none());
        Forgotten {
            episodes: self.episodes.iter().cloned().collect(),
            statements: self.gone.keys().cloned().collect(),
            weakened: self.weakened.keys().cloned().collect(),
            restored: restored.map(|(id, _)| id.clone()).collect(),
            summaries: self.summaries.len(),
            vectors: self.vectors,
        }
    }

    /// The statements that rested on the turn.
    fn lose_episode(
        &mut self,
        session: &Session<'_>,
        workspace: &WorkspaceId,
        id: &EpisodeId,
    ) -> Result<Vec<MemoryId>, Failure> {
        let values = values![workspace, id];
        let there = session.one(THREAD, values, |_| Ok(()))?;
        if there.is_none() || !self.episodes.insert(id.clone()) {
            return Ok(Vec::new());
        }
        self.vectors += session.one(PASSAGES, values, |row| row.get(0))?.unwrap_or(0_u64);
        self.lose_summary(session, workspace, id)?;
        session.all(RESTING_ON, values, |row| row.get(0))
    }

    fn lose_statement(
        &mut self,
        session: &Session<'_>,
        workspace: &WorkspaceId,
        id: &MemoryId,
    ) -> Result<(), Failure> {
        let versions = statements::versions(session, workspace, id)?;
        if versions.is_empty() || self.gone.contains_key(id) {
            return Ok(());
        }
        let values = values![workspace, id];
        self.vectors += session.one(HAS_VECTOR, values, |row| row.get(0))?.unwrap_or(0_u64);
        for source in versions.iter().flat_map(|version| &version.statement.said.sources) {
            self.lose_summary(session, workspace, &source.episode)?;
        }
        self.gone.insert(id.clone(), versions);
        Ok(())
    }

    /// The summary of the thread in which a turn was said may hold its words.
    fn lose_summary(
        &mut self,
        session: &Session<'_>,
        workspace: &WorkspaceId,
        episode: &EpisodeId,
    ) -> Result<(), Failure> {
        let thread = session.one(THREAD, values![workspace, episode], |row| row.get(0))?;
        if let Some(thread) = thread
            && summaries::one(session, workspace, &thread)?.is_some()
        {
            self.summaries.insert(thread);
        }
        Ok(())
    }

    /// A statement stays only when a turn that stays says by itself what it says. That is so when
    /// none of the turns that its wording was made of goes, or when one that stays was added as
    /// further evidence for the same wording. Anything else might still hold words of what goes.
    fn lose_sources(
        &mut self,
        session: &Session<'_>,
        workspace: &WorkspaceId,
        id: &MemoryId,
    ) -> Result<(), Failure> {
        let versions = statements::versions(session, workspace, id)?;
        let Some(newest) = versions.last().map(|version| &version.statement) else {
            return Ok(());
        };
        let says_the_same = |version: &&Version| version.statement.said.text == newest.said.text;
        let goes = |episode: &EpisodeId| self.episodes.contains(episode);
        let made_of: BTreeSet<&EpisodeId> = versions
            .iter()
            .find(says_the_same)
            .into_iter()
            .flat_map(|first| &first.statement.said.sources)
            .map(|source| &source.episode)
            .collect();
        let mut evidence = newest.said.sources.iter().map(|source| &source.episode);
        let is_whole = !made_of.iter().any(|episode| goes(episode));
        let stays = evidence.any(|left| !goes(left) && (is_whole || !made_of.contains(left)));
        if !stays {
            return self.lose_statement(session, workspace, id);
        }
        let loses = |version: &&Version| {
            version.statement.said.sources.iter().any(|source| goes(&source.episode))
        };
        let earlier = versions.iter().filter(|version| !says_the_same(version));
        let versions_gone =
            earlier.filter(loses).map(|version| version.statement.version).collect();
        let weakened = Weakened { scope: newest.scope.clone(), versions_gone };
        self.weakened.insert(id.clone(), weakened);
        Ok(())
    }

    /// What a statement that goes had displaced is believed again, unless something else has
    /// displaced that statement since.
    fn find_orphans(
        &mut self,
        session: &Session<'_>,
        workspace: &WorkspaceId,
    ) -> Result<(), Failure> {
        let successor = |id: &MemoryId| {
            let newest = self.gone.get(id).and_then(|versions| versions.last());
            newest.and_then(|version| version.statement.superseded_by.clone())
        };
        let mut orphaned = BTreeMap::new();
        for id in self.gone.keys() {
            let mut heir = successor(id);
            while let Some(next) = heir.clone().filter(|next| self.gone.contains_key(next)) {
                heir = successor(&next);
            }
            for earlier in statements::superseded_by(session, workspace, id)? {
                if !self.gone.contains_key(&earlier) {
                    orphaned.insert(earlier, heir.clone());
                }
            }
        }
        self.orphaned = orphaned;
        Ok(())
    }
}
