//! Reads LoCoMo's JSON (Maharana et al., 2024): people who talk over months.

use std::collections::HashSet;

use backstay_core::{Error, Timestamp, memory::Speaker};
use backstay_store::ImportedTurn;
use serde_json::Value;

use crate::dataset::{Conversation, Dataset, Question, Session};

const CATEGORIES: [&str; 5] = ["multi-hop", "temporal", "open-domain", "single-hop", "adversarial"];

pub(crate) fn read(text: &str) -> Result<Dataset, Error> {
    let samples: Vec<Value> = serde_json::from_str(text)
        .map_err(|cause| Error::invalid(format!("not LoCoMo's JSON: {cause}")))?;
    Ok(Dataset { conversations: samples.iter().map(conversation).collect() })
}

fn conversation(sample: &Value) -> Conversation {
    let sessions: Vec<Session> =
        (1..).map_while(|number| session(&sample["conversation"], number)).collect();
    let said = sessions.iter().flat_map(|session| &session.turns);
    let turns: HashSet<&str> = said.clone().map(|(name, _)| name.as_str()).collect();
    let asked_at = said.map(|(_, turn)| turn.said_at).max().unwrap_or_default();
    let questions = sample["qa"].as_array().into_iter().flatten();
    let questions = questions.map(|question| read_question(question, &turns)).collect();
    let name = sample["sample_id"].as_str().unwrap_or_default().to_owned();
    Conversation { name, questions, asked_at, sessions }
}

fn session(conversation: &Value, number: usize) -> Option<Session> {
    let name = format!("session_{number}");
    let said_at = date(conversation[format!("{name}_date_time")].as_str()?)?;
    let turns = conversation[&name].as_array().into_iter().flatten();
    let turns = turns.map(|turn| {
        let text = turn["text"].as_str().unwrap_or_default();
        let text = match turn["blip_caption"].as_str() {
            Some(caption) => format!("{text} [shares {caption}]"),
            None => text.to_owned(),
        };
        let author = turn["speaker"].as_str().unwrap_or_default().to_owned();
        let turn_name = turn["dia_id"].as_str().unwrap_or_default().to_owned();
        (turn_name, ImportedTurn { speaker: Speaker::User, author, text, said_at })
    });
    Some(Session { name, turns: turns.collect() })
}

/// `1:56 pm on 8 May, 2023`
fn date(text: &str) -> Option<Timestamp> {
    let moment = jiff::civil::DateTime::strptime("%I:%M %p on %d %B, %Y", text).ok()?;
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(moment.timestamp().as_microsecond()))
}

fn read_question(question: &Value, turns: &HashSet<&str>) -> Question {
    let category = question["category"].as_u64().unwrap_or(0);
    let index = usize::try_from(category).unwrap_or(0).saturating_sub(1);
    let listed = question["evidence"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // Some entries hold several names, and some name turns that are not there.
    let evidence = listed
        .flat_map(|entry| entry.split([';', ',', ' ']))
        .map(str::trim)
        .filter(|name| turns.contains(name))
        .map(str::to_owned)
        .collect();
    Question {
        text: question["question"].as_str().unwrap_or_default().to_owned(),
        category: CATEGORIES.get(index).copied().unwrap_or("other").to_owned(),
        evidence,
        unanswerable: category == 5,
    }
}
