//! Measures the features of candidates.

use backstay_core::memory::Speaker;
use hashbrown::HashMap;

use super::{
    Lexical, Profile,
    features::{Feature, Features},
    links,
};
use crate::{
    analyse::Query,
    embed::Embedding,
    index::{
        Cosines, QuestionStates, ScopeIndex,
        bm25::{WindowWords, Windows},
    },
};

/// Beyond this many words a turn counts as no longer.
const WORDS_MAX: f32 = 60.0;
/// The logarithm of about a thousand words.
const LOG_WORDS_MAX: f32 = 7.0;
/// Turns that open a conversation.
const OPENING: isize = 2;
/// Turns that close one.
const CLOSING: isize = 2;
/// Cosines lie close together; so that weights are of one size they are made larger.
const COSINE_SCALE: f32 = 4.0;

/// A candidate with everything that is known about it.
pub(super) struct Measured {
    pub(super) turn: u32,
    pub(super) features: Features,
    pub(super) words: WindowWords,
    pub(super) cosine: Option<f32>,
}

/// What the candidates of one question are measured by.
pub(super) struct Measure<'a> {
    pub(super) index: &'a ScopeIndex,
    pub(super) query: &'a Query,
    pub(super) question: Option<&'a Embedding>,
    pub(super) lexical: &'a Lexical,
    pub(super) profile: Profile,
}

impl Measure<'_> {
    /// Exact cosines take the place of the scan's for the candidates.
    pub(super) fn all(&self, candidates: &[u32], mut cosines: Option<Cosines>) -> Vec<Measured> {
        if let (Some(cosines), Some(question)) = (&mut cosines, self.question) {
            for turn in candidates {
                if let Some(exact) = self.index.vectors().exact(*turn, &question.vector) {
                    cosines.set(*turn, exact);
                }
            }
        }
        let Lexical { windows, .. } = self.lexical;
        let windows = Windows::new(self.index, self.query, self.profile.bm25(), windows);
        let mut all: Vec<Measured> = candidates
            .iter()
            .map(|turn| Measured {
                turn: *turn,
                features: Features::default(),
                words: windows.score(*turn),
                cosine: cosines.as_ref().and_then(|cosines| cosines.of(*turn)),
            })
            .collect();
        self.set_words(&mut all);
        self.set_structure(&mut all);
        if let Some(cosines) = &cosines {
            self.set_meaning(&mut all, cosines);
        }
        let states = self.question.and_then(|own| self.index.states().question(&own.states));
        if let Some(states) = states {
            self.set_states(&mut all, &states);
        }
        links::set(self.index, self.query, &mut all);
        all
    }

    /// Scores of words are compared with the best of the scope: what a score means depends on how
    /// many words were asked and how rare they are.
    fn set_words(&self, all: &mut [Measured]) {
        let highest = |scores: &mut dyn Iterator<Item = f32>| scores.fold(1e-6, f32::max);
        let near = highest(&mut all.iter().map(|measured| measured.words.near));
        let wide = highest(&mut all.iter().map(|measured| measured.words.wide));
        let scores = &self.lexical.words;
        for Measured { turn, features, words, .. } in all {
            let conversation = self.index.conversation_of(*turn) as usize;
            features.set(Feature::OwnWords, scores.own[*turn as usize] / scores.own_best);
            features.set(Feature::NearWords, words.near / near);
            features.set(Feature::WideWords, words.wide / wide);
            let session = scores.session[conversation] / scores.session_best;
            features.set(Feature::SessionWords, session);
        }
    }

    fn set_structure(&self, all: &mut [Measured]) {
        let named: Vec<bool> =
            self.index.authors().iter().map(|author| self.query.names(author.names())).collect();
        let names_one = named.iter().filter(|named| **named).count() == 1;
        let span = self.lexical.time_span.unwrap_or_default();
        let (first, last) = (span.0.millis(), span.1.millis());
        for Measured { turn: number, features, .. } in all {
            let turn = self.index.turn(*number);
            let is_named = named[turn.author as usize];
            let before = self.index.neighbour(*number, -1).map(|before| self.index.turn(before));
            let age = (turn.said_at.millis() - first) as f32 / (last - first).max(1) as f32;
            let mut set = |feature, value: f32| features.set(feature, value);
            let yes = |condition: bool| f32::from(u8::from(condition));
            let form = &turn.form;
            let speaks_of_self = form.first_person() > 0.0;
            let speaks_to = form.second_person() > 0.0;
            let is_user = turn.speaker == Speaker::User;
            let opens = self.index.neighbour(*number, -OPENING).is_none();
            let closes = self.index.neighbour(*number, CLOSING).is_none();
            set(Feature::SpeakerNamed, yes(names_one && is_named));
            set(Feature::NamedSpeaksOfSelf, yes(names_one && is_named && speaks_of_self));
            set(Feature::SpeaksToNamed, yes(names_one && !is_named && speaks_to));
            set(Feature::DateNamed, yes(self.query.dated(turn.said_at)));
            let speaks_of_named = turn.speaks_of.is_some_and(|days| self.query.names_days(days));
            set(Feature::TimeSpokenOf, yes(speaks_of_named));
            set(Feature::DeniesForDenial, yes(form.denies && self.query.kind.denial));
            set(Feature::Asks, yes(form.asks));
            set(Feature::EndsAsking, yes(form.ends_asking));
            set(Feature::AnswersQuestion, yes(before.is_some_and(|before| before.form.asks)));
            set(Feature::Length, f32::from(form.words).min(WORDS_MAX) / WORDS_MAX);
            set(Feature::LongLength, f32::from(form.words).ln_1p() / LOG_WORDS_MAX);
            set(Feature::FirstPerson, form.first_person());
            set(Feature::SecondPerson, form.second_person());
            set(Feature::HasTime, yes(form.has_time));
            set(Feature::TimeForTime, yes(form.has_time && self.query.kind.time));
            set(Feature::HasNames, form.names());
            set(Feature::Opens, yes(opens));
            set(Feature::Closes, yes(closes));
            set(Feature::SaidByUser, yes(is_user));
            set(Feature::StatesInstruction, yes(is_user && form.instructs));
            set(Feature::StatesPreference, yes(is_user && form.prefers));
            set(
                Feature::PreferenceForRequest,
                yes(is_user && form.prefers && self.query.kind.request),
            );
            set(Feature::Recency, age);
        }
    }

    /// A turn whose vector is still to come gets the mean of the others: neither better nor worse.
    fn set_meaning(&self, all: &mut [Measured], cosines: &Cosines) {
        let known = all.iter().filter_map(|measured| measured.cosine);
        let mean = known.clone().sum::<f32>() / known.count().max(1) as f32;
        let question = self.question.map(|question| question.vector.as_slice());
        let best_of = |turn: u32| {
            let turns = self.index.conversation(turn).turns.iter();
            turns.map(|turn| cosines.of(*turn).unwrap_or(mean)).fold(f32::NEG_INFINITY, f32::max)
        };
        let mut best: HashMap<u32, f32> = HashMap::new();
        for Measured { turn, features, cosine, .. } in all {
            let around = self.around(*turn);
            let near = self.index.vectors().window(&around, cosines).unwrap_or(mean);
            let conversation = self.index.conversation_of(*turn);
            let session = *best.entry(conversation).or_insert_with(|| best_of(*turn));
            features.set(Feature::Meaning, COSINE_SCALE * cosine.unwrap_or(mean));
            let opening =
                question.and_then(|own| self.index.vectors().opening(*turn, own, *cosine));
            features.set(Feature::OpeningMeaning, COSINE_SCALE * opening.unwrap_or(mean));
            features.set(Feature::NearMeaning, COSINE_SCALE * near);
            features.set(Feature::SessionMeaning, COSINE_SCALE * session);
        }
    }

    /// As with vectors, a turn whose states are missing gets the mean of the others.
    fn set_states(&self, all: &mut [Measured], question: &QuestionStates) {
        let mut similarities: HashMap<u32, Vec<f32>> = HashMap::new();
        for Measured { turn, .. } in &*all {
            for turn in self.around(*turn) {
                similarities
                    .entry(turn)
                    .or_insert_with(|| self.index.states().similarities(question, turn));
            }
        }
        let matched: Vec<Option<f32>> = all
            .iter()
            .map(|measured| similarities.get(&measured.turn))
            .map(|own| own.filter(|own| !own.is_empty()).map(|own| question.mean(own)))
            .collect();
        let known = matched.iter().flatten();
        let mean = known.clone().sum::<f32>() / known.count().max(1) as f32;
        let mut best: HashMap<u32, f32> = HashMap::new();
        for (Measured { turn, .. }, matched) in all.iter().zip(&matched) {
            let best = best.entry(self.index.conversation_of(*turn)).or_insert(mean);
            *best = best.max(matched.unwrap_or(mean));
        }
        for (Measured { turn, features, .. }, matched) in all.iter_mut().zip(matched) {
            let mut near = vec![0.0_f32; question.len()];
            for other in self.around(*turn) {
                let others = similarities.get(&other).map_or(&[][..], Vec::as_slice);
                near.iter_mut().zip(others).for_each(|(near, other)| *near = near.max(*other));
            }
            let near = matched.map_or(mean, |_| question.mean(&near));
            let session = best.get(&self.index.conversation_of(*turn)).copied().unwrap_or(mean);
            features.set(Feature::TokenMatch, COSINE_SCALE * matched.unwrap_or(mean));
            features.set(Feature::NearTokenMatch, COSINE_SCALE * near);
            features.set(Feature::SessionTokenMatch, COSINE_SCALE * session);
            let replied_to = self.index.neighbour(*turn, -1);
            if self.index.turn(*turn).speaker == Speaker::Assistant
                && let Some(before) = replied_to.and_then(|before| similarities.get(&before))
            {
                let matched = if before.is_empty() { mean } else { question.mean(before) };
                features.set(Feature::ReplyTokenMatch, COSINE_SCALE * matched);
            }
        }
    }

    /// A turn, then those beside it.
    fn around(&self, turn: u32) -> Vec<u32> {
        let beside = [-1, 1].into_iter().filter_map(|step| self.index.neighbour(turn, step));
        std::iter::once(turn).chain(beside).collect()
    }
}
