//! LoCoMo: long conversations between two people, with questions and their evidence.

use anyhow::{Context as _, Result};
use backstay_core::Timestamp;
use serde_json::Value;

use super::{Conversation, Question, Session, Turn};

/// Questions of this category rest on a false premise: nothing in the conversation answers them.
const ADVERSARIAL: i64 = 5;

pub(super) fn conversation(value: &Value) -> Result<Conversation> {
    let inner = &value["conversation"];
    let mut numbers: Vec<u32> = inner
        .as_object()
        .context("LoCoMo: \"conversation\" is not an object")?
        .keys()
        .filter_map(|key| key.strip_prefix("session_")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let mut sessions = Vec::new();
    for number in numbers {
        sessions.push(session(inner, number)?);
    }
    let known = |id: &String| sessions.iter().flat_map(|s| &s.turns).any(|turn| turn.id == *id);
    let mut questions = Vec::new();
    for item in value["qa"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let Some(ask) = item["question"].as_str() else { continue };
        let mut evidence = evidence(item);
        evidence.retain(known);
        if item["category"].as_i64() == Some(ADVERSARIAL) {
            evidence.clear();
        } else if evidence.is_empty() {
            continue;
        }
        questions.push(Question { ask: ask.to_owned(), evidence });
    }
    let title = value["sample_id"].as_str().unwrap_or("LoCoMo").to_owned();
    Ok(Conversation { title, sessions, questions, skipped: Vec::new() })
}

fn session(conversation: &Value, number: u32) -> Result<Session> {
    let date = conversation[format!("session_{number}_date_time")].as_str();
    let date = date.with_context(|| format!("LoCoMo: session {number} has no date"))?;
    let started_at = parse_date(date)
        .with_context(|| format!("LoCoMo: session {number}: {date:?} is not a date"))?;
    let turns = conversation[format!("session_{number}")].as_array();
    let turns = turns.map(Vec::as_slice).unwrap_or_default();
    let turns = turns.iter().enumerate().map(|(index, turn)| turn_of(number, index, turn));
    let turns = turns.filter(|turn| !turn.text.is_empty()).collect();
    Ok(Session { id: format!("session_{number}"), title: None, started_at, turns })
}

fn turn_of(session: u32, index: usize, turn: &Value) -> Turn {
    let mut text = turn["text"].as_str().unwrap_or_default().trim().to_owned();
    if let Some(caption) = turn["blip_caption"].as_str() {
        text = format!("{text} [shares a photo: {caption}]").trim().to_owned();
    }
    let id = turn["dia_id"].as_str();
    Turn {
        id: id.map_or_else(|| format!("D{session}:{}", index + 1), str::to_owned),
        author: turn["speaker"].as_str().unwrap_or("unknown").to_owned(),
        role: "user",
        text,
        said_at: None,
    }
}

/// Ids are written with stray colons and several to a string: `D8:6; D9:17`, `D:11:26`.
fn evidence(item: &Value) -> Vec<String> {
    let entries = item["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = entries.iter().filter_map(Value::as_str);
    let pieces = texts.flat_map(|text| text.split([';', ',', ' ']));
    let mut ids: Vec<String> = pieces
        .filter_map(|piece| {
            let rest = piece.trim().strip_prefix('D')?;
            let (session, turn) = rest.trim_start_matches(':').split_once(':')?;
            let number = |text: &str| text.parse::<u32>().ok();
            Some(format!("D{}:{}", number(session)?, number(turn)?))
        })
        .collect();
    ids.dedup();
    ids
}

/// `1:56 pm on 8 May, 2023`, without a zone: taken as UTC.
fn parse_date(text: &str) -> Option<String> {
    let (time, date) = text.split_once(" on ")?;
    let (clock, half) = time.trim().split_once(' ')?;
    let (hour, minute) = clock.split_once(':')?;
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = hour % 12 + if half.eq_ignore_ascii_case("pm") { 12 } else { 0 };
    let mut words = date.split([' ', ',']).filter(|word| !word.is_empty());
    let day: i64 = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let year: i64 = words.next()?.parse().ok()?;
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z");
    Timestamp::parse(&text).map(|moment| moment.to_string())
}

fn month(name: &str) -> Option<usize> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = name.to_lowercase();
    MONTHS.iter().position(|month| name.starts_with(month)).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_and_evidence_are_read_as_they_are_really_written() {
        assert_eq!(parse_date("1:56 pm on 8 May, 2023").unwrap(), "2023-05-08T13:56:00Z");
        assert_eq!(parse_date("12:09 am on 13 September, 2023").unwrap(), "2023-09-13T00:09:00Z");
        let item = json!({"evidence": ["D8:6; D9:17", "D:11:26", "D"]});
        assert_eq!(evidence(&item), ["D8:6", "D9:17", "D11:26"]);
    }
}
