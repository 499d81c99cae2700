//! What is known about a turn in view of a question, as numbers between 0 and 1.

use crate::{
    analyse::Query,
    index::{ScopeIndex, Turn, bm25::WordScores, vectors::Cosines},
};
use backstay_core::memory::Speaker;

/// Beyond this many words a turn counts as no longer.
const WORDS_MAX: u32 = 60;

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident,)*) => {
        /// One thing that speaks for a turn, or against it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Feature { $($(#[$doc])* $feature,)* }

        impl Feature {
            pub(crate) const ALL: [Self; FEATURES] = [$(Self::$feature,)*];
        }

        const FEATURES: usize = [$(stringify!($feature)),*].len();
    };
}

features! {
    /// BM25 of the turn's own words.
    OwnWords,
    /// BM25 of the turn and the turns beside it.
    NearWords,
    /// BM25 of the turn and two turns on either side.
    WideWords,
    /// BM25 of the turn's whole conversation.
    SessionWords,
    /// Cosine of the turn's vector.
    Meaning,
    /// Cosine of the mean of the turn's vector and those beside it.
    NearMeaning,
    /// The best cosine in the turn's conversation.
    SessionMeaning,
    /// The question names who said it.
    SpeakerNamed,
    /// The question names a time in which it was said.
    DateNamed,
    /// It asks something itself.
    IsQuestion,
    /// The turn before it asks something.
    AnswersQuestion,
    /// Its length in words.
    Length,
    /// A user said it, not a model.
    SaidByUser,
}

/// Those that are stretched to 0..1 over the turns of the scope; the others are 0 or 1.
const STRETCHED: [Feature; 8] = [
    Feature::OwnWords,
    Feature::NearWords,
    Feature::WideWords,
    Feature::SessionWords,
    Feature::Meaning,
    Feature::NearMeaning,
    Feature::SessionMeaning,
    Feature::Length,
];

/// Those that need vectors.
const MEANING: [Feature; 3] = [Feature::Meaning, Feature::NearMeaning, Feature::SessionMeaning];

/// A value for each feature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Features([f32; FEATURES]);

impl Features {
    /// Values in the order of [`Feature::ALL`].
    pub(crate) const fn new(values: [f32; FEATURES]) -> Self {
        Self(values)
    }

    pub(crate) fn get(&self, feature: Feature) -> f32 {
        self.0[feature as usize]
    }

    pub(crate) fn set(&mut self, feature: Feature, value: f32) {
        self.0[feature as usize] = value;
    }

    /// Taken as weights: the score of a turn for which everything speaks.
    pub(crate) fn highest_sum(&self, with_meaning: bool) -> f32 {
        let counts = |feature: &&Feature| with_meaning || !MEANING.contains(feature);
        Feature::ALL.iter().filter(counts).map(|feature| self.get(*feature).max(0.0)).sum()
    }

    pub(crate) fn dot(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(left, right)| left * right).sum()
    }
}

/// The features of every turn of the index.
pub(crate) fn of_all(
    index: &ScopeIndex,
    query: &Query,
    words: &WordScores,
    cosines: Option<&Cosines>,
) -> Vec<Features> {
    let mut all: Vec<Features> = index
        .turns()
        .iter()
        .enumerate()
        .map(|(number, turn)| {
            let mut features = structure(index, query, number, turn);
            features.set(Feature::OwnWords, words.own[number]);
            features.set(Feature::NearWords, words.near[number]);
            features.set(Feature::WideWords, words.wide[number]);
            features.set(Feature::SessionWords, words.session[turn.conversation]);
            features
        })
        .collect();
    if let Some(cosines) = cosines {
        set_meaning(index, cosines, &mut all);
    }
    for feature in STRETCHED {
        stretch(&mut all, feature);
    }
    all
}

fn structure(index: &ScopeIndex, query: &Query, number: usize, turn: &Turn) -> Features {
    let yes = |condition: bool| f32::from(u8::from(condition));
    let before = index.neighbour(number, -1).map(|before| &index.turns()[before]);
    let mut features = Features::default();
    features.set(Feature::SpeakerNamed, yes(query.names(&turn.author_words)));
    features.set(Feature::DateNamed, yes(query.dated(turn.episode.said_at)));
    features.set(Feature::IsQuestion, yes(turn.is_question));
    features.set(Feature::AnswersQuestion, yes(before.is_some_and(|before| before.is_question)));
    features.set(Feature::Length, turn.word_count.min(WORDS_MAX) as f32);
    features.set(Feature::SaidByUser, yes(turn.episode.speaker == Speaker::User));
    features
}

/// A turn whose vector is still to come gets the mean of the others: neither better nor worse.
fn set_meaning(index: &ScopeIndex, cosines: &Cosines, all: &mut [Features]) {
    let own_mean = mean(&cosines.own);
    let window_mean = mean(&cosines.window);
    let mut best = vec![f32::NEG_INFINITY; index.conversations().len()];
    for (turn, cosine) in index.turns().iter().zip(&cosines.own) {
        let best = &mut best[turn.conversation];
        *best = best.max(cosine.unwrap_or(own_mean));
    }
    for (number, features) in all.iter_mut().enumerate() {
        features.set(Feature::Meaning, cosines.own[number].unwrap_or(own_mean));
        features.set(Feature::NearMeaning, cosines.window[number].unwrap_or(window_mean));
        features.set(Feature::SessionMeaning, best[index.turns()[number].conversation]);
    }
}

fn mean(cosines: &[Option<f32>]) -> f32 {
    let (sum, count) = cosines
        .iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, count), cosine| (sum + cosine, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Min-max normalisation; a feature that is the same everywhere says nothing and becomes 0.
fn stretch(all: &mut [Features], feature: Feature) {
    let bounds = all.iter().map(|features| features.get(feature));
    let (low, high) = bounds.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let span = high - low;
    for features in all {
        let value = if span > 0.0 { (features.get(feature) - low) / span } else { 0.0 };
        features.set(feature, value);
    }
}
