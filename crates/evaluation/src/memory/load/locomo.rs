//! LoCoMo's list of samples, and the forks of it with corrected labels, which have the same shape.

use backstay_core::{Error, Result, Timestamp, memory::Speaker};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::typed;
use crate::memory::dataset::{Conversation, Question, Session, Turn, TurnNumbers, spoken};

/// By category number from 1, as the authors' own code uses them.
const CATEGORIES: [&str; 5] = ["multi-hop", "temporal", "open-domain", "single-hop", "adversarial"];
/// Asks for what was never said, in the words of what was.
const ADVERSARIAL: u64 = 5;

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    sample_id: Option<String>,
    conversation: Map<String, Value>,
    qa: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    answer: Option<Value>,
    #[serde(default)]
    evidence: Vec<Value>,
    #[serde(default)]
    category: u64,
}

#[derive(Deserialize)]
struct Said {
    dia_id: String,
    speaker: String,
    #[serde(default)]
    text: String,
    /// What a shared picture shows.
    #[serde(default)]
    blip_caption: Option<String>,
}

pub(super) fn conversation(sample: &RawValue) -> Result<Conversation> {
    let sample: Sample = typed(sample)?;
    let mut numbers: Vec<u32> = sample
        .conversation
        .keys()
        .filter_map(|key| key.strip_prefix("session_")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let sessions = numbers
        .into_iter()
        .map(|number| session(&sample.conversation, number))
        .collect::<Result<Vec<_>>>()?;
    let sessions = spoken(sessions);
    let turns = sessions.iter().flat_map(|session| &session.turns);
    let asked_at = turns.map(|turn| turn.said_at).max().unwrap_or_default();
    let numbers = TurnNumbers::of(&sessions);
    let questions = sample.qa.into_iter().map(|asked| question(asked, asked_at, &numbers));
    let name = sample.sample_id.unwrap_or_else(|| "unnamed".to_owned());
    Ok(Conversation { name, questions: questions.collect(), sessions })
}

fn session(conversation: &Map<String, Value>, number: u32) -> Result<Session> {
    let name = format!("session_{number}");
    let said: Vec<Said> = serde_json::from_value(conversation[&name].clone())
        .map_err(|cause| Error::invalid(format!("{name}: {cause}")))?;
    let date_field = format!("{name}_date_time");
    let date = conversation.get(&date_field).and_then(Value::as_str);
    let date = date.ok_or_else(|| Error::invalid(format!("{date_field} is missing")))?;
    let said_at = parse_date(date)
        .ok_or_else(|| Error::invalid(format!("{date_field}: {date:?} is not a date")))?;
    let turns = said.into_iter().map(|turn| Turn {
        name: turn.dia_id,
        speaker: Speaker::User,
        author: turn.speaker,
        text: match turn.blip_caption {
            Some(caption) => format!("{} [shares {caption}]", turn.text),
            None => turn.text,
        },
        said_at,
    });
    Ok(Session { name, turns: turns.collect() })
}

/// `1:56 pm on 8 May, 2023`, without a zone: taken as UTC.
fn parse_date(text: &str) -> Option<Timestamp> {
    let moment = jiff::civil::DateTime::strptime("%I:%M %p on %d %B, %Y", text).ok()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
}

fn question(asked: Asked, asked_at: Timestamp, numbers: &TurnNumbers) -> Question {
    let index = usize::try_from(asked.category).unwrap_or(0).wrapping_sub(1);
    // Some entries hold several names, and some name turns that are not there.
    let names = asked.evidence.iter().filter_map(Value::as_str);
    let names = names.flat_map(|entry| entry.split([';', ',', ' '])).map(str::trim);
    Question {
        kind: CATEGORIES.get(index).copied().unwrap_or("other").to_owned(),
        evidence: numbers.evidence(names),
        unanswerable: asked.category == ADVERSARIAL,
        asked_at,
        answer: asked.answer.map(|answer| match answer {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        text: asked.question,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::memory::{Dataset, Evidence, Format};

    fn sample() -> serde_json::Value {
        json!([{
            "sample_id": "conv-1",
            "conversation": {
                "speaker_a": "Ann", "speaker_b": "Bo",
                "session_2_date_time": "12:09 am on 13 September, 2023",
                "session_2": [{"dia_id": "D2:1", "speaker": "Bo", "text": "Later.",
                    "blip_caption": "a red kite"}],
                "session_1_date_time": "1:56 pm on 8 May, 2023",
                "session_1": [
                    {"dia_id": "D1:1", "speaker": "Ann", "text": "I saw a heron."},
                    {"dia_id": "D1:2", "speaker": "Bo", "text": ""},
                    {"dia_id": "D1:3", "speaker": "Ann", "text": "It flew."},
                ],
                "session_3_date_time": "1:00 pm on 9 May, 2024",
            },
            "qa": [
                {"question": "What?", "answer": 7, "category": 1,
                    "evidence": ["D1:3; D2:1", "D9:9", "D1:1"]},
                {"question": "Never?", "adversarial_answer": "x", "category": 5, "evidence": ["D1:1"]},
            ],
        }])
    }

    #[test]
    fn sessions_come_in_order_and_evidence_as_it_is_really_written() {
        let dataset = Dataset::parse(&sample().to_string()).unwrap();
        assert_eq!(dataset.format, Format::LoCoMo);
        let conversation = &dataset.conversations[0];
        let texts: Vec<&str> = conversation.turns().map(|turn| turn.text.as_str()).collect();
        assert_eq!(texts, ["I saw a heron.", "It flew.", "Later. [shares a red kite]"]);
        let asked = &conversation.questions[0];
        assert_eq!(asked.evidence, Evidence::Turns(vec![0, 1, 2]));
        assert_eq!((asked.kind.as_str(), asked.unanswerable), ("multi-hop", false));
        assert_eq!(asked.answer.as_deref(), Some("7"));
        assert_eq!(asked.asked_at.to_string(), "2023-09-13T00:09:00Z");
        assert!(conversation.questions[1].unanswerable);
    }

    #[test]
    fn what_is_missing_is_named_with_its_session() {
        let mut without_date = sample();
        without_date[0]["conversation"].as_object_mut().unwrap().remove("session_1_date_time");
        let message = Dataset::parse(&without_date.to_string()).unwrap_err().to_string();
        assert!(message.contains("session_1_date_time is missing"), "{message}");
        let mut without_name = sample();
        without_name[0]["conversation"]["session_1"][0].as_object_mut().unwrap().remove("dia_id");
        let message = Dataset::parse(&without_name.to_string()).unwrap_err().to_string();
        assert!(message.contains("session_1: missing field `dia_id`"), "{message}");
    }
}
