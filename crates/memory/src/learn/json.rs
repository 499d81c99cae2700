//! Finds the JSON object in what a model answered.

use serde::Deserialize as _;
use serde_json::{Map, Value};

/// An answer of more bytes is not looked into.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Opening braces that are tried as the object's beginning.
const BEGINNINGS_MAX: usize = 16;
const THINKING_ENDS: &str = "</think>";

/// The first object with a member `facts`. Text and code fences around it, and thinking before it,
/// are overlooked. `Err` says to the model what is wrong.
pub(super) fn find(answer: &str) -> Result<Map<String, Value>, String> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes"));
    }
    let answer = answer.rsplit_once(THINKING_ENDS).map_or(answer, |(_, after)| after);
    let mut first_problem = None;
    for (at, _) in answer.match_indices('{').take(BEGINNINGS_MAX) {
        let mut reader = serde_json::Deserializer::from_str(&answer[at..]);
        match Value::deserialize(&mut reader) {
            Ok(Value::Object(object)) if object.contains_key("facts") => return Ok(object),
            Ok(_) => {}
            Err(cause) => {
                first_problem.get_or_insert_with(|| problem(&cause));
            }
        }
    }
    Err(first_problem.unwrap_or_else(|| {
        "there is no JSON object with `facts` and `summary` in the answer".to_owned()
    }))
}

fn problem(cause: &serde_json::Error) -> String {
    if cause.is_eof() {
        return "the JSON ends before its last bracket is closed; answer with fewer facts"
            .to_owned();
    }
    format!("the JSON is not valid: {cause}")
}
