//! A turn as the index holds it.

use backstay_core::memory::Episode;

use crate::analyse;

/// The authors that clients write when they name nobody.
const GENERIC_AUTHORS: [&str; 4] = ["user", "assistant", "human", "ai"];
/// What a hash table, two vectors' headers and the like take beside a turn's own bytes.
const OVERHEAD_BYTES: usize = 200;

/// A remembered turn with what was worked out about it once.
pub(crate) struct Turn {
    pub(crate) episode: Episode,
    /// Its conversation's number.
    pub(crate) conversation: usize,
    /// Its place among the remembered turns of its conversation, from 0.
    pub(crate) place: usize,
    /// Terms and how often each occurs.
    pub(crate) terms: Vec<(u32, u32)>,
    /// The sum of the above.
    pub(crate) length: u32,
    pub(crate) word_count: u32,
    pub(crate) is_question: bool,
    /// The words of its author's name; none when the author is only `user` or the like.
    pub(crate) author_words: Vec<String>,
}

/// The turns of one thread in their order, by their numbers.
pub(crate) type Conversation = Vec<usize>;

impl Turn {
    pub(crate) fn new(episode: Episode, terms: Vec<(u32, u32)>) -> Self {
        let author = episode.author.to_lowercase();
        let is_generic = GENERIC_AUTHORS.contains(&author.as_str());
        Self {
            conversation: 0,
            place: 0,
            length: terms.iter().map(|(_, count)| count).sum(),
            terms,
            word_count: analyse::word_count(&episode.text),
            is_question: analyse::is_question(&episode.text),
            author_words: if is_generic { Vec::new() } else { analyse::words(&author) },
            episode,
        }
    }

    /// About how much memory it takes, without its vector.
    pub(crate) fn size_bytes(&self) -> usize {
        // Each term also stands in the postings.
        OVERHEAD_BYTES + self.episode.text.len() + self.terms.len() * 2 * size_of::<(u32, u32)>()
    }
}

/// What a turn is found by: who said it, when, and the words.
pub(crate) fn indexed_text(episode: &Episode) -> String {
    let date = jiff::Timestamp::from_microsecond(episode.said_at.micros())
        .map(|moment| moment.strftime("%-d %B %Y").to_string())
        .unwrap_or_default();
    format!("{} {date}: {}", episode.author, episode.text)
}
