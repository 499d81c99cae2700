//! LongMemEval's list: every question has a haystack of its own, sessions of a user with a model.

use backstay_core::{Error, Result, Timestamp, memory::Speaker};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::typed;
use crate::memory::dataset::{Conversation, Evidence, Question, Session, Turn, spoken};

/// Ends the id of a question that nothing in its haystack answers.
const UNANSWERABLE_SUFFIX: &str = "_abs";

#[derive(Deserialize)]
struct Sample {
    question_id: String,
    question_type: String,
    question: String,
    #[serde(default)]
    answer: Option<Value>,
    question_date: String,
    haystack_session_ids: Vec<String>,
    haystack_dates: Vec<String>,
    haystack_sessions: Vec<Vec<Message>>,
    #[serde(default)]
    answer_session_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
    #[serde(default)]
    has_answer: Option<bool>,
}

struct Haystack {
    sessions: Vec<Session>,
    /// Numbers of the turns that are marked as holding the answer.
    marked: Vec<usize>,
}

pub(super) fn conversation(sample: &RawValue) -> Result<Conversation> {
    let sample: Sample = typed(sample)?;
    let ids = sample.haystack_session_ids.len();
    if ids != sample.haystack_sessions.len() || ids != sample.haystack_dates.len() {
        return Err(Error::invalid(format!(
            "{ids} haystack_session_ids, {} haystack_dates and {} haystack_sessions should be \
             equally many",
            sample.haystack_dates.len(),
            sample.haystack_sessions.len()
        )));
    }
    let asked_at = date("question_date", &sample.question_date)?;
    let haystack =
        haystack(&sample.haystack_session_ids, &sample.haystack_dates, sample.haystack_sessions)?;
    let unanswerable = sample.question_id.ends_with(UNANSWERABLE_SUFFIX);
    let evidence = if unanswerable {
        Evidence::Turns(Vec::new())
    } else if haystack.marked.is_empty() {
        let sessions = haystack.sessions.iter().enumerate();
        let of_answer = sessions.filter(|(_, session)| {
            let id = session.name.rsplit_once('#').map_or(session.name.as_str(), |(id, _)| id);
            sample.answer_session_ids.iter().any(|answer| answer == id)
        });
        Evidence::Sessions(of_answer.map(|(number, _)| number).collect())
    } else {
        Evidence::Turns(haystack.marked)
    };
    let question = Question {
        text: sample.question,
        kind: sample.question_type,
        evidence,
        unanswerable,
        asked_at,
        answer: sample.answer.map(|answer| match answer {
            Value::String(text) => text,
            other => other.to_string(),
        }),
    };
    Ok(Conversation {
        name: sample.question_id,
        sessions: haystack.sessions,
        questions: vec![question],
    })
}

/// The sessions in order of time; in the file they need not be.
fn haystack(ids: &[String], dates: &[String], sessions: Vec<Vec<Message>>) -> Result<Haystack> {
    let mut dated = Vec::with_capacity(sessions.len());
    for ((number, id), (text, messages)) in ids.iter().enumerate().zip(dates.iter().zip(sessions)) {
        // A filler session may occur twice in one haystack.
        dated.push((date("haystack_dates", text)?, format!("{id}#{number}"), messages));
    }
    dated.sort_by_key(|(said_at, ..)| *said_at);
    let mut marked_names = Vec::new();
    let sessions = dated.into_iter().map(|(said_at, name, messages)| {
        let turns = messages.into_iter().enumerate().map(|(place, message)| {
            let turn_name = format!("{name}:{place}");
            if message.has_answer == Some(true) {
                marked_names.push(turn_name.clone());
            }
            turn(turn_name, message, said_at)
        });
        Session { turns: turns.collect(), name }
    });
    let sessions = spoken(sessions.collect());
    let turns = sessions.iter().flat_map(|session| &session.turns).enumerate();
    let marked = turns.filter(|(_, turn)| marked_names.contains(&turn.name));
    let marked = marked.map(|(number, _)| number).collect();
    Ok(Haystack { marked, sessions })
}

fn turn(name: String, message: Message, said_at: Timestamp) -> Turn {
    let by_model = message.role == "assistant";
    let speaker = if by_model { Speaker::Assistant } else { Speaker::User };
    Turn { name, speaker, author: message.role, text: message.content, said_at }
}

/// `2023/05/20 (Sat) 02:21`, without a zone: taken as UTC.
fn date(field: &str, text: &str) -> Result<Timestamp> {
    let parse = || {
        let (day, rest) = text.trim().split_once(' ')?;
        let clock = rest.rsplit(' ').next()?;
        let moment = jiff::civil::DateTime::strptime("%Y/%m/%d %H:%M", format!("{day} {clock}"));
        let moment = moment.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
    };
    parse().ok_or_else(|| Error::invalid(format!("{field}: {text:?} is not a date")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::memory::{Dataset, Evidence, Format};

    fn sample(id: &str, marked: bool) -> serde_json::Value {
        let mut said = json!({"role": "user", "content": "My heron is called Gus."});
        if marked {
            said["has_answer"] = json!(true);
        }
        json!([{
            "question_id": id, "question_type": "single-session-user",
            "question": "What is my heron called?", "answer": "Gus",
            "question_date": "2023/05/30 (Tue) 23:40",
            "haystack_session_ids": ["late", "early"],
            "haystack_dates": ["2023/05/25 (Thu) 10:00", "2023/05/20 (Sat) 02:21"],
            "haystack_sessions": [
                [{"role": "user", "content": "Any news?"}, {"role": "assistant", "content": ""}],
                [said, {"role": "assistant", "content": "Nice.", "has_answer": false}],
            ],
            "answer_session_ids": ["early"],
        }])
    }

    #[test]
    fn marked_turns_are_evidence_and_sessions_come_in_order_of_time() {
        let dataset = Dataset::parse(&sample("q1", true).to_string()).unwrap();
        assert_eq!(dataset.format, Format::LongMemEval);
        let conversation = &dataset.conversations[0];
        let texts: Vec<&str> = conversation.turns().map(|turn| turn.text.as_str()).collect();
        assert_eq!(texts, ["My heron is called Gus.", "Nice.", "Any news?"]);
        assert_eq!(conversation.questions[0].evidence, Evidence::Turns(vec![0]));
        assert_eq!(conversation.questions[0].asked_at.to_string(), "2023-05-30T23:40:00Z");
    }

    #[test]
    fn without_marked_turns_the_answer_sessions_are_evidence() {
        let dataset = Dataset::parse(&sample("q1", false).to_string()).unwrap();
        assert_eq!(dataset.conversations[0].questions[0].evidence, Evidence::Sessions(vec![0]));
    }

    #[test]
    fn a_question_about_what_was_never_said_has_no_evidence() {
        let dataset = Dataset::parse(&sample("q1_abs", false).to_string()).unwrap();
        let question = &dataset.conversations[0].questions[0];
        assert!(question.unanswerable && question.evidence.is_empty());
    }

    #[test]
    fn lists_of_unequal_length_and_broken_dates_are_refused() {
        let mut unequal = sample("q1", true);
        unequal[0]["haystack_dates"].as_array_mut().unwrap().pop();
        let message = Dataset::parse(&unequal.to_string()).unwrap_err().to_string();
        assert!(message.contains("should be equally many"), "{message}");
        let mut undated = sample("q1", true);
        undated[0]["haystack_dates"][1] = json!("yesterday");
        let message = Dataset::parse(&undated.to_string()).unwrap_err().to_string();
        assert!(message.contains("haystack_dates: \"yesterday\" is not a date"), "{message}");
    }
}
