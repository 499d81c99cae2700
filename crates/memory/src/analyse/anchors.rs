//! Times that only the conversations themselves tell: "the week after we spoke of the boiler", "the
//! last time we talked". What they mean is found out where the conversations are known.

use backstay_core::Timestamp;

use super::{
    dates,
    mention::{Side, Unit},
    stop_words, words,
};

const TALK: [&str; 10] = [
    "spoke",
    "talked",
    "chatted",
    "met",
    "discussed",
    "mentioned",
    "speak",
    "talk",
    "chat",
    "discuss",
];
const CONVERSATIONS: [&str; 6] =
    ["conversation", "chat", "session", "talk", "discussion", "exchange"];

/// A time beside something that was said, or that was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) event: Event,
    /// `None`: the days of the event itself.
    pub(crate) beside: Option<(Unit, Side)>,
    /// What says so, in lower case.
    pub(crate) words: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    FirstConversation,
    LastConversation,
    /// When these terms were spoken of.
    SpokenOf(Vec<String>),
    /// When that was what these terms tell of.
    Happened(Vec<String>),
}

/// All that a question has. `now` tells what begins with a date: "the week after 8 May 2023" needs
/// no conversation.
pub(super) fn anchors(text: &str, now: Timestamp) -> Vec<Anchor> {
    let clauses = text.split(['?', ',', ';', '.', '!', ':']);
    clauses.filter_map(|clause| anchor(&words::words(clause), now)).collect()
}

fn anchor(words: &[String], now: Timestamp) -> Option<Anchor> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    (0..words.len()).find_map(|at| {
        if let [unit, side, event @ ..] = &words[at..]
            && let (Some(unit), Some(side)) = (Unit::of(unit), Side::of(side))
        {
            let is_date = dates::begins_with_date(&event.join(" "), now);
            let event = (!is_date).then(|| event_of(event)).flatten()?;
            return Some(Anchor { event, beside: Some((unit, side)), words: owned(&words[at..]) });
        }
        let (event, rest) = conversation_at(&words[at..])?;
        let words = owned(&words[at..words.len() - rest]);
        Some(Anchor { event, beside: None, words })
    })
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// `we spoke of the boiler`, `we last talked`, `the boiler broke`
fn event_of(words: &[&str]) -> Option<Event> {
    let (spoken, order) = match words {
        ["we" | "i" | "you", verb, rest @ ..] if TALK.contains(verb) => (Some(rest), None),
        ["we" | "i" | "you", order @ ("last" | "first"), verb, rest @ ..]
            if TALK.contains(verb) =>
        {
            (Some(rest), Some(*order))
        }
        _ => (None, None),
    };
    let terms = words::terms(&spoken.unwrap_or(words).join(" "));
    match (spoken, order) {
        (Some(_), Some("first")) if terms.is_empty() => Some(Event::FirstConversation),
        (Some(_), _) if terms.is_empty() => Some(Event::LastConversation),
        (Some(_), _) => Some(Event::SpokenOf(terms)),
        (None, _) => (!terms.is_empty()).then_some(Event::Happened(terms)),
    }
}

/// `last time we spoke`, `our last conversation`, `when we first talked`. Not when it goes on with
/// what was spoken of: that is found by its words. With how many words are left.
fn conversation_at(words: &[&str]) -> Option<(Event, usize)> {
    let (order, rest) = match words {
        [order, "time", "we" | "i" | "you", verb, rest @ ..] if TALK.contains(verb) => {
            (*order, rest)
        }
        ["our" | "the" | "my", order, noun, rest @ ..] if CONVERSATIONS.contains(noun) => {
            (*order, rest)
        }
        ["when", "we" | "i" | "you", order, verb, rest @ ..] if TALK.contains(verb) => {
            (*order, rest)
        }
        _ => return None,
    };
    let names_topic = matches!(rest, ["about" | "of" | "on" | "over", _, ..]);
    // "The last chat show" is no conversation.
    let is_compound = rest.first().is_some_and(|next| !stop_words::contains(next));
    if names_topic || is_compound {
        return None;
    }
    match order {
        "last" | "latest" | "previous" => Some((Event::LastConversation, rest.len())),
        "first" => Some((Event::FirstConversation, rest.len())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(question: &str) -> Option<(Event, bool)> {
        let now = Timestamp::parse("2023-06-15T12:00:00Z").unwrap();
        let found = anchors(question, now).into_iter().next();
        found.map(|anchor| (anchor.event, anchor.beside.is_some()))
    }

    #[test]
    fn times_beside_what_was_said_and_what_happened_are_told_apart() {
        for (question, expected) in [
            (
                "What broke the week after we spoke of the boiler?",
                Some((Event::SpokenOf(owned(&["boiler"])), true)),
            ),
            (
                "The month before the wedding in Ghent, what did she buy?",
                Some((Event::Happened(owned(&["wed", "ghent"])), true)),
            ),
            ("What came the day after we last talked?", Some((Event::LastConversation, true))),
            ("What did I say the last time we spoke?", Some((Event::LastConversation, false))),
            ("What was our first conversation about?", Some((Event::FirstConversation, false))),
            (
                "What did we plan in our first conversation?",
                Some((Event::FirstConversation, false)),
            ),
            ("What did you say when we first talked?", Some((Event::FirstConversation, false))),
            ("What did I say the last time we talked about Ghent?", None),
            ("What happened the week after 8 May 2023?", None),
            ("What happened the week after the 8th of May?", None),
            ("What happened the week after?", None),
            ("Who won the last chat show award?", None),
        ] {
            assert_eq!(event(question), expected, "{question}");
        }
    }
}
