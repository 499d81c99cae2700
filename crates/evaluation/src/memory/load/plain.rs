//! Plain chat JSON with questions: the shape that `backstay import` reads, described in
//! `bench/memory/README.md`.

use backstay_core::{Error, Result, Timestamp, memory::Speaker};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::typed;
use crate::memory::dataset::{Conversation, Question, Session, Turn, TurnNumbers, spoken};

/// What a question without one is.
const KIND: &str = "fact";

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    title: Option<String>,
    sessions: Vec<Sitting>,
    #[serde(default)]
    questions: Vec<Asked>,
}

#[derive(Deserialize)]
struct Sitting {
    #[serde(default)]
    id: Option<String>,
    /// RFC 3339.
    started_at: String,
    turns: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    id: Option<String>,
    author: String,
    /// `assistant` for what a model said; everyone else is a user.
    #[serde(default)]
    role: Option<String>,
    text: String,
    /// RFC 3339; the session's start without one.
    #[serde(default)]
    said_at: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    ask: String,
    #[serde(default)]
    kind: Option<String>,
    /// Ids of turns. None when nothing answers the question.
    #[serde(default)]
    evidence: Vec<String>,
    #[serde(default)]
    answer: Option<String>,
    /// RFC 3339; after the last turn without one.
    #[serde(default)]
    asked_at: Option<String>,
}

pub(super) fn conversation(sample: &RawValue, index: usize) -> Result<Conversation> {
    let sample: Sample = typed(sample)?;
    let sittings = sample.sessions.into_iter().enumerate();
    let sessions = sittings.map(|(number, sitting)| session(sitting, number));
    let sessions = spoken(sessions.collect::<Result<Vec<_>>>()?);
    let turns = sessions.iter().flat_map(|session| &session.turns);
    let end = turns.map(|turn| turn.said_at).max().unwrap_or_default();
    let numbers = TurnNumbers::of(&sessions);
    let questions = sample.questions.into_iter().map(|asked| question(asked, end, &numbers));
    Ok(Conversation {
        name: sample.title.unwrap_or_else(|| format!("conversation {}", index + 1)),
        questions: questions.collect::<Result<_>>()?,
        sessions,
    })
}

fn session(sitting: Sitting, number: usize) -> Result<Session> {
    let name = sitting.id.unwrap_or_else(|| format!("s{:02}", number + 1));
    let started_at = moment("started_at", &sitting.started_at)?;
    let turns = sitting.turns.into_iter().enumerate().map(|(place, said)| {
        let by_model = said.role.as_deref() == Some("assistant");
        Ok(Turn {
            name: said.id.unwrap_or_else(|| format!("{name}-t{:02}", place + 1)),
            speaker: if by_model { Speaker::Assistant } else { Speaker::User },
            author: said.author,
            text: said.text,
            said_at: match said.said_at {
                Some(text) => moment("said_at", &text)?,
                None => started_at,
            },
        })
    });
    let turns = turns.collect::<Result<_>>()?;
    Ok(Session { name, turns })
}

/// Evidence that is not there is an error: whoever writes such a file can mend it.
fn question(asked: Asked, end: Timestamp, numbers: &TurnNumbers) -> Result<Question> {
    if let Some(name) = asked.evidence.iter().find(|name| !numbers.knows(name)) {
        let message = format!("{:?} names the turn {name:?}, which is not there", asked.ask);
        return Err(Error::invalid(message));
    }
    Ok(Question {
        kind: asked.kind.unwrap_or_else(|| KIND.to_owned()),
        evidence: numbers.evidence(asked.evidence.iter().map(String::as_str)),
        unanswerable: asked.evidence.is_empty(),
        asked_at: match asked.asked_at {
            Some(text) => moment("asked_at", &text)?,
            None => end,
        },
        answer: asked.answer,
        text: asked.ask,
    })
}

fn moment(field: &str, text: &str) -> Result<Timestamp> {
    Timestamp::parse(text)
        .ok_or_else(|| Error::invalid(format!("{field}: {text:?} is not an RFC 3339 time")))
}

#[cfg(test)]
mod tests {
    use crate::memory::{Dataset, Evidence, Format};

    #[test]
    fn one_object_or_a_list_is_read_and_a_question_without_evidence_is_unanswerable() {
        let one = include_str!("../../../../../examples/conversation.json");
        let dataset = Dataset::parse(one).unwrap();
        assert_eq!(dataset.format, Format::Plain);
        let conversation = &dataset.conversations[0];
        assert!(conversation.turns().count() >= 150);
        assert!(
            matches!(&conversation.questions[0].evidence, Evidence::Turns(turns) if turns.len() == 1)
        );
        assert!(conversation.questions.iter().any(|question| question.unanswerable));
        let two = Dataset::parse(&format!("[{one}, {one}]")).unwrap();
        assert_eq!(two.conversations.len(), 2);
    }

    #[test]
    fn evidence_that_is_not_there_is_an_error_that_names_it() {
        let file = r#"{"sessions": [{"started_at": "2024-01-01T00:00:00Z", "turns":
            [{"author": "Ann", "text": "hello"}]}],
            "questions": [{"ask": "who?", "evidence": ["s01-t07"]}]}"#;
        let message = Dataset::parse(file).unwrap_err().to_string();
        assert!(message.contains("names the turn \"s01-t07\", which is not there"), "{message}");
        assert!(Dataset::parse(&file.replace("t07", "t01")).is_ok());
        let undated = file.replace("2024-01-01T00:00:00Z", "Monday");
        let message = Dataset::parse(&undated).unwrap_err().to_string();
        assert!(message.contains("started_at: \"Monday\" is not an RFC 3339 time"), "{message}");
    }
}
