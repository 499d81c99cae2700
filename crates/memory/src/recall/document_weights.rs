//! Weights for chunks of documents: of words, meaning and tokens alone, as nothing else that conversations
//! are ranked by says anything about a file. Set by hand; `bench/documents` says what they are worth.

use super::features::{FEATURES, Feature, Features};

const fn weights<const N: usize>(of: [(Feature, f32); N]) -> Features {
    let mut values = [0.0; FEATURES];
    let mut next = 0;
    while next < N {
        values[of[next].0 as usize] = of[next].1;
        next += 1;
    }
    Features::new(values)
}

pub(super) const WORDS: Features =
    weights([(Feature::OwnWords, 5.0), (Feature::NearWords, 0.5), (Feature::SessionWords, 1.0)]);

pub(super) const VECTORS: Features = weights([
    (Feature::OwnWords, 2.5),
    (Feature::NearWords, 0.3),
    (Feature::SessionWords, 0.7),
    (Feature::Meaning, 2.5),
    (Feature::NearMeaning, 0.3),
    (Feature::SessionMeaning, 0.7),
]);

pub(super) const TOKENS: Features = weights([
    (Feature::OwnWords, 2.0),
    (Feature::NearWords, 0.3),
    (Feature::SessionWords, 0.7),
    (Feature::Meaning, 2.0),
    (Feature::NearMeaning, 0.3),
    (Feature::SessionMeaning, 0.5),
    (Feature::TokenMatch, 1.5),
    (Feature::SessionTokenMatch, 0.5),
]);
