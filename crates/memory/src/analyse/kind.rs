//! What kind of answer a question wants.

use super::form::denies;

/// Words that begin a request for something to be done, not for what was said.
const REQUESTS: [&str; 14] = [
    "how do i",
    "how can i",
    "how should i",
    "how would i",
    "how would you",
    "can you",
    "could you",
    "show me",
    "please",
    "give me",
    "explain",
    "help",
    "what steps",
    "what would you",
];
/// Words of questions about the whole of a conversation.
const BROAD: [&str; 10] = [
    "summar",
    "order in which",
    "overview",
    "throughout",
    "across our",
    "list the",
    "timeline",
    "sequence",
    "in total",
    "over time",
];

/// Kinds are not exclusive: a question may want a list of places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kind {
    /// A time, or how long.
    pub(crate) time: bool,
    /// A number. Says how the question was read, and weighs nothing yet, as [`Self::name`].
    pub(crate) count: bool,
    /// A person or a place.
    pub(crate) name: bool,
    /// Something to be done: an answer to which standing wishes apply.
    pub(crate) request: bool,
    /// What is not so: "What does Ann not eat?"
    pub(crate) denial: bool,
    /// A summary, or an order of events: no few turns are the evidence.
    pub(crate) broad: bool,
}

impl Kind {
    pub(super) fn of(question: &str) -> Self {
        let lower = question.to_lowercase();
        let has_word = |word: &str| {
            lower.split(|character: char| !character.is_alphanumeric()).any(|other| other == word)
        };
        let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
        let trimmed = lower.trim_start();
        Self {
            time: has_word("when")
                || has(&[
                    "how long",
                    "what year",
                    "what month",
                    "what date",
                    "what day",
                    "which year",
                    "which month",
                    "which day",
                ]),
            count: has(&["how many", "how much"]),
            name: has_word("who")
                || has_word("where")
                || has(&[
                    "which city",
                    "which country",
                    "which state",
                    "which place",
                    "what city",
                    "what country",
                    "what state",
                    "what place",
                ]),
            request: REQUESTS.iter().any(|phrase| trimmed.starts_with(phrase)),
            denial: denies(&lower.replace('\u{2019}', "'")),
            broad: has(&BROAD),
        }
    }
}

impl Kind {
    /// For people, as an explanation shows them; none for a plain question of fact.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let all = [
            (self.time, "when"),
            (self.count, "how_many"),
            (self.name, "who_or_where"),
            (self.request, "request"),
            (self.denial, "denial"),
            (self.broad, "whole"),
        ];
        all.into_iter().filter_map(|(is_so, name)| is_so.then_some(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_question_tell_what_it_wants() {
        assert!(Kind::of("When did Ann move?").time && !Kind::of("Whenever?").time);
        assert!(Kind::of("Where did she go?").name && Kind::of("How many dogs?").count);
        assert!(Kind::of("How can I sort a list?").request);
        assert!(Kind::of("Can you summarise our talks?").broad);
        assert!(Kind::of("What doesn\u{2019}t Ann eat?").denial && !Kind::of("Knots?").denial);
        assert_eq!(Kind::of("What is my dog called?"), Kind::default());
    }
}
