//! Reads a question in view of a scope: whom a short name means, when "the week after we spoke of the
//! boiler" was, and whether it asks for a time and nothing else.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::{
    analyse::{Anchor, DateMention, Event, Query, date_of, is_short_for, name_like},
    index::{
        Author, ScopeIndex,
        bm25::{Parameters, WindowStatistics, Windows, WordScores},
    },
};

/// Of the words that tell of an event, a turn and those around it mention one in so many.
const MENTIONED_ONE_IN: u32 = 2;

/// `allowed` says which turns may be asked for.
pub(crate) fn in_scope(
    query: &mut Query,
    index: &ScopeIndex,
    parameters: Parameters,
    allowed: impl Fn(u32) -> bool,
) {
    name_speakers(query, index);
    let scope = Scope { index, parameters, allowed: &allowed };
    for anchor in std::mem::take(&mut query.anchors) {
        let Some(mention) = scope.time_of(&anchor) else { continue };
        query.dates.push(mention);
        // When something happened is a guess from the turn that has most to do with it: enough to
        // prefer a time, not enough to leave out every other.
        if !matches!(anchor.event, Event::Happened(_)) {
            query.topic.retain(|word| !anchor.words.contains(word));
        }
    }
    let is_speaker =
        |word: &String| index.authors().iter().any(|author| author.names().any(|own| own == word));
    if !query.dates.is_empty() && query.topic.iter().all(is_speaker) {
        let turns = 0..u32::try_from(index.turns().len()).unwrap_or(u32::MAX);
        let mut turns = turns.filter(|turn| allowed(*turn));
        query.asks_time_alone = turns.any(|turn| is_of_asked_time(query, index, turn));
        query.kind.broad |= query.asks_time_alone;
        if !query.asks_time_alone {
            // Nothing was said then, and "talk" and "said" bear on nothing.
            query.forget_saying();
        }
    }
}

/// Whether a turn was said in a time that the question names, or speaks of it.
pub(crate) fn is_of_asked_time(query: &Query, index: &ScopeIndex, turn: u32) -> bool {
    let turn = index.turn(turn);
    query.dated(turn.said_at) || turn.speaks_of.is_some_and(|days| query.names_days(days))
}

/// Those who speak in the scope and are named.
pub(crate) fn speakers<'a>(query: &Query, index: &'a ScopeIndex) -> Vec<&'a str> {
    let named = index.authors().iter().filter(|author| query.names(author.names()));
    named.map(|author| &*author.name).collect()
}

/// A name that means one speaker under another name also asks for the name that stands beside what
/// they say.
fn name_speakers(query: &mut Query, index: &ScopeIndex) {
    let words: HashSet<String> = name_like(&query.text).collect();
    for word in words {
        if index.authors().iter().any(|author| author.words.contains(&word)) {
            continue;
        }
        let means = |author: &&Author| {
            author.called.contains(&word)
                || author.words.iter().any(|name| is_short_for(&word, name))
        };
        let mut meant = index.authors().iter().filter(means);
        if let (Some(author), None) = (meant.next(), meant.next())
            && let Some(name) = author.words.first()
        {
            query.words.insert(name.clone());
            query.ask_for(name);
            query.topic.retain(|other| *other != word);
        }
    }
}

struct Scope<'a, Allowed> {
    index: &'a ScopeIndex,
    parameters: Parameters,
    allowed: &'a Allowed,
}

impl<Allowed: Fn(u32) -> bool> Scope<'_, Allowed> {
    fn time_of(&self, anchor: &Anchor) -> Option<DateMention> {
        let days = match &anchor.event {
            Event::FirstConversation => self.conversation(true)?,
            Event::LastConversation => self.conversation(false)?,
            Event::SpokenOf(terms) => self.said_on(self.told(terms)?)?,
            Event::Happened(terms) => {
                let turn = self.told(terms)?;
                self.index.turn(turn).speaks_of.or_else(|| self.said_on(turn))?
            }
        };
        match anchor.beside {
            Some((unit, side)) => unit.beside(side, days),
            None => Some(DateMention::Days(days.0, days.1)),
        }
    }

    /// The days of the first or the last conversation.
    fn conversation(&self, first: bool) -> Option<(Date, Date)> {
        let said_at = |turn: &u32| self.index.turn(*turn).said_at;
        let spans = self.index.conversations().iter().filter_map(|conversation| {
            conversation.thread.as_ref()?;
            let turns = || conversation.turns.iter().filter(|turn| (self.allowed)(**turn));
            Some((turns().map(said_at).min()?, turns().map(said_at).max()?))
        });
        let (from, to) = match first {
            true => spans.min_by_key(|(from, _)| *from),
            false => spans.max_by_key(|(_, to)| *to),
        }?;
        Some((date_of(from)?, date_of(to)?))
    }

    /// The turn that has most to do with some terms, if it has enough.
    fn told(&self, terms: &[String]) -> Option<u32> {
        let query = Query::of_terms(terms);
        let scores = WordScores::of(self.index, &query, self.parameters).own;
        let told =
            (0_u32..).zip(scores).filter(|(turn, score)| *score > 0.0 && (self.allowed)(*turn));
        let (turn, _) = told.max_by(|left, right| left.1.total_cmp(&right.1))?;
        let statistics = WindowStatistics::of(self.index, &query);
        let around = Windows::new(self.index, &query, self.parameters, &statistics).score(turn);
        let asked = u32::try_from(query.terms.len()).unwrap_or(u32::MAX);
        (around.wide_terms.count_ones() * MENTIONED_ONE_IN >= asked).then_some(turn)
    }

    fn said_on(&self, turn: u32) -> Option<(Date, Date)> {
        let day = date_of(self.index.turn(turn).said_at)?;
        Some((day, day))
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::{ThreadId, Timestamp, memory::Episode};

    use super::*;
    use crate::{index::tests::episode, recall::Profile};

    /// By thread, day of May 2023, author and text.
    fn index() -> ScopeIndex {
        let turns = [
            ("thr_a", 1, "Melanie", "The boiler broke, call me Lanie when you know a plumber."),
            ("thr_a", 1, "Katherine", "I know one."),
            ("thr_b", 9, "Katherine", "I ran a race in Ghent on 3 May 2023."),
            ("thr_c", 20, "Melanie", "Good night."),
        ];
        let mut index = ScopeIndex::default();
        index.append(turns.iter().enumerate().map(|(number, (thread, day, author, text))| {
            Episode {
                author: (*author).to_owned(),
                said_at: Timestamp::parse(&format!("2023-05-{day:02}T12:00:00Z")).unwrap(),
                thread: ThreadId::parse(thread).unwrap(),
                ..episode(number, thread, u32::try_from(number).unwrap(), text)
            }
        }));
        index
    }

    fn read(question: &str) -> Query {
        let index = index();
        let mut query = Query::new(question, Timestamp::parse("2023-06-01T12:00:00Z").unwrap());
        in_scope(&mut query, &index, Profile::Dialogue.bm25(), |_| true);
        query
    }

    fn times(question: &str) -> Vec<String> {
        read(question).dates.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_speaker_is_known_by_a_short_name_and_by_one_that_they_asked_for() {
        let named = |question: &str| {
            speakers(&read(question), &index()).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(named("What does Kate like?"), ["Katherine"]);
        assert_eq!(named("What does Mel like?"), ["Melanie"]);
        assert_eq!(named("What does Lanie like?"), ["Melanie"]);
        assert_eq!(named("What does melanie like?"), ["Melanie"]);
        assert!(named("What does Robert like, mel?").is_empty());
        let terms = read("What does Lanie like?").terms;
        assert!(terms.iter().any(|term| term.word == "melanie"));
    }

    #[test]
    fn times_beside_a_conversation_or_an_event_are_reckoned_from_it() {
        for (question, expected) in [
            ("What came the week after we spoke of the boiler?", "2023-05-02 to 2023-05-08"),
            ("What did she eat the day before the race in Ghent?", "2023-05-02"),
            ("What did I wish the last time we talked?", "2023-05-20"),
            ("What did we plan in our first conversation?", "2023-05-01"),
        ] {
            assert_eq!(times(question), [expected], "{question}");
        }
        assert!(times("What came the week after the flood in Porto?").is_empty());
    }

    #[test]
    fn a_question_may_ask_for_a_time_and_nothing_else() {
        for (question, alone) in [
            ("What did we talk about on 9 May 2023?", true),
            ("What did Kate say on 9 May?", true),
            ("What did I say the last time we talked?", true),
            ("What did we say about the boiler on 9 May?", false),
            ("What did we talk about in June 2021?", false),
            ("What did we do the day before the race in Ghent?", false),
            ("What did we talk about?", false),
        ] {
            assert_eq!(read(question).asks_time_alone, alone, "{question}");
        }
        let terms = |question: &str| {
            let words = read(question).terms.into_iter().map(|term| term.word);
            words.collect::<Vec<_>>()
        };
        assert_eq!(terms("What did we talk about in June 2021?"), ["june", "2021"]);
        assert_eq!(terms("What did we talk about?"), ["talk"]);
    }
}
