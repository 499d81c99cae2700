//! What `sim-learn` answers: one fact for each numbered user turn of a transcript, in its own words.

use serde_json::{Value, json};

/// The line after which the transcript's turns begin.
const TURNS: &str = "Turns:";

/// A JSON object with `facts` and a `summary`, when the text has a line `Turns:` with lines of the
/// form `[2] 2025-03-09 18:30 Sunday, user Ana: I moved.` after it; `None` for any other text.
pub(crate) fn answer(text: &str) -> Option<String> {
    let turns: Vec<(u64, &str)> =
        text.lines().skip_while(|line| *line != TURNS).skip(1).filter_map(user_turn).collect();
    let has_transcript = text.lines().any(|line| line == TURNS);
    has_transcript.then(|| {
        let facts: Vec<Value> = turns.iter().map(|(number, said)| fact(*number, said)).collect();
        let summary = format!("The user said {} things.", facts.len());
        json!({"facts": facts, "summary": summary}).to_string()
    })
}

fn user_turn(line: &str) -> Option<(u64, &str)> {
    let (number, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (head, said) = rest.split_once(": ")?;
    let (_, speaker) = head.split_once(", ")?;
    let by_user = speaker == "user" || speaker.starts_with("user ");
    Some((number.parse().ok()?, said)).filter(|_| by_user)
}

fn fact(number: u64, said: &str) -> Value {
    json!({
        "text": said, "kind": "fact", "subject": null, "turns": [number], "quote": said,
        "valid": {"from": null, "to": null}, "confidence": 90, "op": "add", "target": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_turn_after_the_heading_becomes_a_fact() {
        let text = "Known memories:\n[1] fact: x\nTurns:\n\
            [1] 2025-03-09 18:30 Sunday, user Ana: I moved: to Rome.\n\
            [2] 2025-03-09 18:30 Sunday, assistant: Nice.\nAnswer now.";
        let answer: Value = serde_json::from_str(&answer(text).unwrap()).unwrap();
        assert_eq!(answer["facts"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer["facts"][0]["quote"], "I moved: to Rome.");
        assert_eq!(super::answer("hello"), None);
    }
}
