//! Reads BEAM's JSON (Tavakoli et al., 2025): long chats of a user with a model.

use std::collections::HashSet;

use backstay_core::{Error, Timestamp, memory::Speaker};
use backstay_store::ImportedTurn;
use serde_json::Value;

use crate::dataset::{Conversation, Dataset, Question, Session};

/// Between two turns, so that they keep their order.
const TURN_SECONDS: i64 = 60;

pub(crate) fn read(text: &str) -> Result<Dataset, Error> {
    let samples: Vec<Value> = serde_json::from_str(text)
        .map_err(|cause| Error::invalid(format!("not BEAM's JSON: {cause}")))?;
    Ok(Dataset { conversations: samples.iter().map(conversation).collect() })
}

fn conversation(sample: &Value) -> Conversation {
    let mut moment = Timestamp::parse("2024-01-01T00:00:00Z").unwrap_or_default();
    let mut sessions = Vec::new();
    for batch in sample["chat"].as_array().into_iter().flatten() {
        let mut turns = Vec::new();
        let messages = batch["turns"].as_array().into_iter().flatten();
        for message in messages.flat_map(|turn| turn.as_array().into_iter().flatten()) {
            if let Some(date) = message["time_anchor"].as_str().and_then(date) {
                moment = moment.max(date);
            }
            moment = Timestamp::from_micros(moment.micros() + TURN_SECONDS * 1_000_000);
            turns.push((message["id"].to_string(), turn(message, moment)));
        }
        sessions.push(Session { name: format!("batch_{}", batch["batch_number"]), turns });
    }
    let turns = sessions.iter().flat_map(|session| &session.turns);
    let names: HashSet<&str> = turns.map(|(name, _)| name.as_str()).collect();
    // The questions of a chat are under the name of the file that they come from.
    let files = sample["probing_questions"].as_object().into_iter().flatten();
    let probes = files.flat_map(|(_, abilities)| abilities.as_object().into_iter().flatten());
    let questions = probes
        .flat_map(|(ability, questions)| {
            questions.as_array().into_iter().flatten().map(move |question| (ability, question))
        })
        .map(|(ability, question)| read_question(ability, question, &names))
        .collect();
    Conversation { name: sample["id"].to_string(), questions, asked_at: moment, sessions }
}

fn turn(message: &Value, said_at: Timestamp) -> ImportedTurn {
    let role = message["role"].as_str().unwrap_or_default();
    let speaker = if role == "assistant" { Speaker::Assistant } else { Speaker::User };
    let text = message["content"].as_str().unwrap_or_default().to_owned();
    ImportedTurn { speaker, author: role.to_owned(), text, said_at }
}

/// `March-15-2024`
fn date(text: &str) -> Option<Timestamp> {
    let date = jiff::civil::Date::strptime("%B-%d-%Y", text).ok()?;
    let moment = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
}

fn read_question(ability: &str, question: &Value, names: &HashSet<&str>) -> Question {
    let mut evidence = Vec::new();
    collect_ids(&question["source_chat_ids"], &mut evidence);
    evidence.retain(|name| names.contains(name.as_str()));
    evidence.sort();
    evidence.dedup();
    Question {
        text: question["question"].as_str().unwrap_or_default().to_owned(),
        category: ability.to_owned(),
        evidence,
        unanswerable: ability == "abstention",
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
