//! Making the blocks of a large scope, in the background.

use backstay_core::{EpisodeId, Result, memory::Scope};
use backstay_store::{BlockSpan, Store, Workspace};

use super::{block, refresh::gaps};
use crate::EmbeddingModel;

/// Turns whose vectors are written in one transaction.
const VECTORS_AT_ONCE: usize = 128;

/// What became of a scope's next block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Built {
    /// There may be another to make.
    One,
    /// Nothing is to be made, or its vectors are still to come.
    Nothing,
}

/// Makes the first block that a scope lacks, once each of its turns has a vector: so a block says that
/// its turns are found by their meaning too.
pub(crate) async fn build_next(
    store: &Store,
    workspace: &Workspace,
    scope: &Scope,
    model: &EmbeddingModel,
    block_turns: u64,
) -> Result<Built> {
    let (name, revision) = (model.name.as_str(), model.revision.as_str());
    let spans = workspace.block_spans(scope, name, revision).await?;
    let version = workspace.scope_version(scope).await?;
    let Some(span) = next(&spans, version.written, block_turns) else {
        return Ok(Built::Nothing);
    };
    if !store.may_search_vectors().await? {
        return Ok(Built::Nothing);
    }
    let turns = workspace.episodes_between(scope, span).await?;
    for some in turns.chunks(VECTORS_AT_ONCE) {
        let ids: Vec<EpisodeId> = some.iter().map(|(_, episode)| episode.id.clone()).collect();
        let vectors = workspace.vectors_of(&ids, name, revision).await?;
        let dimension =
            vectors.iter().flat_map(|(_, passages)| passages).next().map(|one| one.vector.len());
        let is_whole = vectors.len() == ids.len();
        let Some(dimension) = dimension.filter(|_| is_whole) else { return Ok(Built::Nothing) };
        if !store.prepare_nearest(dimension).await? {
            return Ok(Built::Nothing);
        }
        let of = |id: &EpisodeId| {
            some.iter().find(|(_, episode)| episode.id == *id).map(|(sequence, _)| *sequence)
        };
        let near: Vec<_> = vectors
            .into_iter()
            .filter_map(|(id, passages)| Some((of(&id)?, id, passages)))
            .collect();
        workspace.put_nearest(scope, name, revision, &near).await?;
    }
    let made = tokio::task::spawn_blocking(move || block::made(span, turns, version.forgotten))
        .await
        .map_err(|cause| backstay_core::Error::internal(format!("a block failed: {cause}")))?;
    workspace.put_block(scope, name, revision, made).await?;
    Ok(Built::One)
}

/// A gap that a forgotten turn left is filled whole; at the end a block is as long as all.
fn next(spans: &[BlockSpan], written: u64, block_turns: u64) -> Option<BlockSpan> {
    let last = spans.last().map_or(0, |span| span.last);
    gaps(spans, 1, written).into_iter().find_map(|gap| {
        let is_between = gap.last < last;
        let is_full = gap.last + 1 - gap.first >= block_turns;
        let last = gap.last.min(gap.first + block_turns - 1);
        (is_between || is_full).then_some(BlockSpan { last, ..gap })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_first_and_the_end_when_it_is_long_enough() {
        let span = |first, last| BlockSpan { first, last };
        assert_eq!(next(&[], 9, 10), None);
        assert_eq!(next(&[], 25, 10), Some(span(1, 10)));
        assert_eq!(next(&[span(1, 10)], 25, 10), Some(span(11, 20)));
        assert_eq!(next(&[span(1, 10), span(11, 20)], 25, 10), None);
        assert_eq!(next(&[span(1, 10), span(14, 20)], 25, 10), Some(span(11, 13)));
    }
}
