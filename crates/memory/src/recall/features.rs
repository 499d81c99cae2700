//! What speaks for a turn in view of a question, as numbers of about 0 to 1.

macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident $name:literal,)*) => {
        /// One thing that speaks for a turn, or against it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Feature { $($(#[$doc])* $feature,)* }

        impl Feature {
            pub(crate) const ALL: [Self; FEATURES] = [$(Self::$feature,)*];

            /// As `bench/memory/fit.py` and the explanations call it.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$feature => $name,)* }
            }
        }

        pub(crate) const FEATURES: usize = [$($name),*].len();
    };
}

features! {
    /// BM25 of the turn's own words.
    OwnWords "own_words",
    /// BM25 of the turn and the turns beside it.
    NearWords "near_words",
    /// BM25 of the turn and two turns on either side.
    WideWords "wide_words",
    /// BM25 of the turn's whole conversation.
    SessionWords "session_words",
    /// Cosine of the turn's vector.
    Meaning "meaning",
    /// Cosine of its first passage, which says what a long turn is about.
    OpeningMeaning "opening_meaning",
    /// Cosine of the mean of the turn's vector and those beside it.
    NearMeaning "near_meaning",
    /// The best cosine in the turn's conversation.
    SessionMeaning "session_meaning",
    /// How close each word of the question comes to one of the turn's, in the mean.
    TokenMatch "token_match",
    /// The same with one turn on either side.
    NearTokenMatch "near_token_match",
    /// The best such match in the turn's conversation.
    SessionTokenMatch "session_token_match",
    /// For what a model said: how well what it replies to matches.
    ReplyTokenMatch "reply_token_match",
    /// The question names who said it, and nobody else.
    SpeakerNamed "speaker_named",
    /// The one whom the question names speaks of themselves.
    NamedSpeaksOfSelf "named_speaks_of_self",
    /// Someone speaks to the one whom the question names.
    SpeaksToNamed "speaks_to_named",
    /// The question names a time in which it was said.
    DateNamed "date_named",
    /// It speaks of a time that the question names, reckoned from when it was said: "yesterday".
    TimeSpokenOf "time_spoken_of",
    /// It denies something, and so does the question.
    DeniesForDenial "denies_for_denial",
    /// It shares rare terms with the likeliest turns.
    Linked "linked",
    /// It asks something itself.
    Asks "asks",
    /// It ends with a question.
    EndsAsking "ends_asking",
    /// The turn before it asks something.
    AnswersQuestion "answers_question",
    /// Its length in words; sixty and more are 1.
    Length "length",
    /// The logarithm of its length in words.
    LongLength "long_length",
    /// How much of it speaks of its speaker.
    FirstPerson "first_person",
    /// How much of it speaks of the other.
    SecondPerson "second_person",
    /// It mentions a time.
    HasTime "has_time",
    /// It mentions a time, and a time is asked for.
    TimeForTime "time_for_time",
    /// It mentions names.
    HasNames "has_names",
    /// It opens its conversation.
    Opens "opens",
    /// It closes its conversation.
    Closes "closes",
    /// A user said it, not a model.
    SaidByUser "said_by_user",
    /// It says how its speaker wants to be answered.
    StatesInstruction "states_instruction",
    /// It says what its speaker likes.
    StatesPreference "states_preference",
    /// The same, where the question asks for something to be done.
    PreferenceForRequest "preference_for_request",
    /// How late it was said, of all that was: 0 first, 1 last.
    Recency "recency",
}

/// A value for each feature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Features([f32; FEATURES]);

impl Default for Features {
    fn default() -> Self {
        Self([0.0; FEATURES])
    }
}

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

    pub(crate) fn dot(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(left, right)| left * right).sum()
    }
}
