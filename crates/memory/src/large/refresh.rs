//! Keeping what is held of a large scope in step with the store.

use std::collections::HashSet;

use backstay_core::{
    Error, Result,
    memory::{RecalledId, Scope},
};
use backstay_store::{BlockSpan, ScopeVersion, Workspace};

use super::{Held, Large, block::BlockFacts};
use crate::{EmbeddingModel, index::ScopeIndex, recall::Profile};

/// Blocks that are read at once.
const BLOCKS_AT_ONCE: usize = 64;
/// Newest turns that tell of what kind a scope is.
const SAMPLE: u64 = 500;

/// What is brought up to date, and from where.
pub(crate) struct Upkeep<'a> {
    pub(crate) store: &'a Workspace,
    pub(crate) scope: &'a Scope,
    pub(crate) model: &'a EmbeddingModel,
    /// The blocks there are.
    pub(crate) spans: &'a [BlockSpan],
    /// What the index holds; `None` before it was ever filled.
    pub(crate) known: Option<ScopeVersion>,
    /// What it has to hold.
    pub(crate) version: ScopeVersion,
}

/// Brings the turns that no block covers into the index, and the outline up to the blocks there are.
/// Statements and vectors are the caller's. Whether everything was begun anew.
pub(crate) async fn refresh(
    upkeep: &Upkeep<'_>,
    index: &mut ScopeIndex,
    large: &mut Large,
) -> Result<bool> {
    let Upkeep { store, scope, spans, known, version, .. } = *upkeep;
    let known = known.filter(|known| known.forgotten == version.forgotten);
    let is_same = known.is_some() && large.covers(spans);
    if !is_same {
        let outline = std::mem::take(&mut large.outline);
        let goes_on = known.is_some()
            && spans.iter().copied().take(outline.spans().count()).eq(outline.spans());
        *index = ScopeIndex::default();
        *large = Large::default();
        if goes_on {
            large.outline = outline;
        }
        read_blocks(upkeep, large).await?;
        large.introduce_authors(index);
    }
    large.begin_generation();
    let from = if is_same { known.map_or(0, |known| known.written) } else { 0 };
    for gap in gaps(spans, from + 1, version.written) {
        let turns = store.episodes_between(scope, gap).await?;
        index.append(turns.into_iter().map(|(_, episode)| episode));
    }
    if !is_same {
        let sample =
            BlockSpan { first: version.written.saturating_sub(SAMPLE) + 1, last: version.written };
        let loose: HashSet<RecalledId> = index.turns().iter().map(|turn| turn.id.clone()).collect();
        for (sequence, episode) in store.episodes_between(scope, sample).await? {
            let id = RecalledId::Episode(episode.id.clone());
            let turn = large.outline.number(sequence).filter(|_| !loose.contains(&id));
            if let Some(turn) = turn {
                index.append([episode]);
                large.held.insert(id, Held { turn, is_whole: false });
            }
        }
        large.profile = Some(Profile::of(index));
    }
    large.renumber(index);
    Ok(!is_same)
}

async fn read_blocks(upkeep: &Upkeep<'_>, large: &mut Large) -> Result<()> {
    let Upkeep { store, scope, model, spans, .. } = *upkeep;
    loop {
        let after = large.outline.spans().last().map_or(0, |span| span.first);
        let blocks =
            store.block_turns(scope, &model.name, &model.revision, after, BLOCKS_AT_ONCE).await?;
        let is_last = blocks.len() < BLOCKS_AT_ONCE;
        for block in blocks {
            // One that came since is read when it is asked for.
            if !spans.contains(&block.span) {
                return Ok(());
            }
            let facts = BlockFacts::from_bytes(&block.content).map_err(|_| {
                Error::internal("a stored block of words is not readable; it can be deleted")
            })?;
            large.outline.push(block.span, facts);
        }
        if is_last {
            return Ok(());
        }
    }
}

/// What no block covers of the sequence numbers from one to another.
pub(super) fn gaps(spans: &[BlockSpan], from: u64, to: u64) -> Vec<BlockSpan> {
    let mut gaps = Vec::new();
    let mut next = from;
    for span in spans.iter().filter(|span| span.last >= from) {
        if span.first > next {
            gaps.push(BlockSpan { first: next, last: (span.first - 1).min(to) });
        }
        next = next.max(span.last + 1);
    }
    if next <= to {
        gaps.push(BlockSpan { first: next, last: to });
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_block_covers_lies_between_and_after_them() {
        let span = |first, last| BlockSpan { first, last };
        let spans = [span(1, 10), span(21, 30)];
        assert_eq!(gaps(&spans, 1, 35), [span(11, 20), span(31, 35)]);
        assert_eq!(gaps(&spans, 15, 35), [span(15, 20), span(31, 35)]);
        assert_eq!(gaps(&spans, 31, 30), []);
        assert_eq!(gaps(&[], 1, 2), [span(1, 2)]);
        assert_eq!(gaps(&[span(5, 6)], 1, 6), [span(1, 4)]);
    }
}
