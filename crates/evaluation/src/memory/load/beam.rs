//! BEAM's list of chats: a user talks with a model at length.

use std::collections::BTreeMap;

use backstay_core::{Result, Timestamp, memory::Speaker};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::typed;
use crate::memory::dataset::{Conversation, Question, Session, Turn, TurnNumbers, spoken};

/// Between two turns, so that they keep their order.
const TURN_MICROS: i64 = 60_000_000;
/// Where a chat without a date starts.
const START: &str = "2024-01-01T00:00:00Z";
/// The ability whose questions nothing in the chat answers.
const ABSTENTION: &str = "abstention";

#[derive(Deserialize)]
struct Sample {
    id: Value,
    chat: Vec<Batch>,
    /// By the name of the file that they come from, then by ability.
    probing_questions: BTreeMap<String, Map<String, Value>>,
}

#[derive(Deserialize)]
struct Batch {
    batch_number: Value,
    /// Each is a user's message with the replies and further questions that belong to it.
    turns: Vec<Vec<Message>>,
}

#[derive(Deserialize)]
struct Message {
    id: u64,
    role: String,
    content: String,
    /// `March-15-2024`; not on every message.
    #[serde(default)]
    time_anchor: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    source_chat_ids: Value,
    /// The right answer has another name in every ability.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(super) fn conversation(sample: &RawValue) -> Result<Conversation> {
    let sample: Sample = typed(sample)?;
    let mut moment = Timestamp::parse(START).unwrap_or_default();
    let batches = sample.chat.into_iter().map(|batch| Session {
        name: format!("batch_{}", batch.batch_number),
        turns: batch
            .turns
            .into_iter()
            .flatten()
            .map(|message| turn(message, &mut moment))
            .collect(),
    });
    let sessions = spoken(batches.collect());
    let numbers = TurnNumbers::of(&sessions);
    let mut questions = Vec::new();
    for (ability, asked) in sample.probing_questions.into_values().flatten() {
        let asked: Vec<Asked> = serde_json::from_value(asked).map_err(|cause| {
            backstay_core::Error::invalid(format!("probing_questions, {ability}: {cause}"))
        })?;
        questions
            .extend(asked.into_iter().map(|asked| question(&ability, asked, moment, &numbers)));
    }
    Ok(Conversation { name: sample.id.to_string(), sessions, questions })
}

fn turn(message: Message, moment: &mut Timestamp) -> Turn {
    if let Some(date) = message.time_anchor.as_deref().and_then(parse_date) {
        *moment = date.max(*moment);
    }
    *moment = Timestamp::from_micros(moment.micros() + TURN_MICROS);
    let by_model = message.role == "assistant";
    Turn {
        name: message.id.to_string(),
        speaker: if by_model { Speaker::Assistant } else { Speaker::User },
        author: message.role,
        text: message.content,
        said_at: *moment,
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let date = jiff::civil::Date::strptime("%B-%d-%Y", text).ok()?;
    let moment = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
}

fn question(ability: &str, asked: Asked, asked_at: Timestamp, numbers: &TurnNumbers) -> Question {
    let mut names = Vec::new();
    collect_ids(&asked.source_chat_ids, &mut names);
    let answers =
        ["answer", "ideal_answer", "ideal_response", "ideal_summary", "expected_compliance"];
    let answer = answers.iter().find_map(|name| asked.rest.get(*name)?.as_str());
    Question {
        answer: answer.map(str::to_owned),
        text: asked.question,
        kind: ability.to_owned(),
        evidence: numbers.evidence(names.iter().map(String::as_str)),
        unanswerable: ability == ABSTENTION,
        asked_at,
    }
}

/// Some abilities group the ids by what they show.
fn collect_ids(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_ids(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| collect_ids(value, into)),
        Value::Number(number) => into.push(number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use backstay_core::memory::Speaker;
    use serde_json::json;

    use crate::memory::{Dataset, Evidence, Format};

    fn sample() -> serde_json::Value {
        json!([{
            "id": 3,
            "chat": [{"batch_number": 1, "turns": [[
                {"role": "user", "id": 0, "time_anchor": "March-15-2024", "content": "Plan my sprint."},
                {"role": "assistant", "id": 1, "content": "Here it is."},
            ], [{"role": "user", "id": 2, "content": "Ends on the 29th."}]]}],
            "probing_questions": {"probing_questions.json": {
                "knowledge_update": [{"question": "When?", "answer": "the 29th",
                    "source_chat_ids": {"original_info": [0], "updated_info": [2, 77]}}],
                "abstention": [{"question": "Why?", "ideal_response": "It was not said."}],
            }},
        }])
    }

    #[test]
    fn turns_keep_their_order_in_time_and_grouped_evidence_is_found() {
        let dataset = Dataset::parse(&sample().to_string()).unwrap();
        assert_eq!(dataset.format, Format::Beam);
        let conversation = &dataset.conversations[0];
        let turns: Vec<_> = conversation.turns().collect();
        assert_eq!(turns[0].said_at.to_string(), "2024-03-15T00:01:00Z");
        assert!(turns.is_sorted_by_key(|turn| turn.said_at));
        assert_eq!(turns[1].speaker, Speaker::Assistant);
        let update = &conversation.questions[0];
        assert_eq!(update.evidence, Evidence::Turns(vec![0, 2]));
        assert_eq!(update.answer.as_deref(), Some("the 29th"));
        let abstention = &conversation.questions[1];
        assert!(abstention.unanswerable && abstention.evidence.is_empty());
    }

    #[test]
    fn a_message_without_content_is_named() {
        let mut broken = sample();
        broken[0]["chat"][0]["turns"][0][1].as_object_mut().unwrap().remove("content");
        let message = Dataset::parse(&broken.to_string()).unwrap_err().to_string();
        assert!(message.contains("element 1 (read as BEAM): missing field `content`"), "{message}");
    }
}
