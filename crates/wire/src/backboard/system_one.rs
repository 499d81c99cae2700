//! `system_one`: questions whose answers have types, in TypeSafe's format.

use backstay_core::{
    Error, Result,
    decision::{Decision, LABELS_MAX, LEVELS_MAX, QUESTIONS_MAX, Question, QuestionKind, text_of},
};
use serde_json::{Map, Value};

use super::{Fields, fields::wrong};

const FIELD: &str = "system_one";
const QUESTIONS: &str = "system_one.questions";
const TEXT: &str = "a text, an object or a list";

pub(super) fn read(fields: &Fields) -> Result<Option<Decision>> {
    let Some(mut given) = fields.object(FIELD)? else { return Ok(None) };
    let state = text(given.remove("state"), "system_one.state")?;
    let expected = format!("an object of 1 to {QUESTIONS_MAX} questions by name");
    let questions = match given.remove("questions") {
        Some(Value::Object(questions)) if (1..=QUESTIONS_MAX).contains(&questions.len()) => {
            questions
        }
        _ => return Err(wrong(QUESTIONS, &expected)),
    };
    let questions = questions.into_iter().map(|(name, question)| self::question(name, question));
    Ok(Some(Decision { state, questions: questions.collect::<Result<_>>()? }))
}

/// # Errors
/// Always: with `system_one` there is no such thing.
pub(super) fn conflict(name: &str) -> Error {
    let message =
        format!("`{name}` is not supported together with `{FIELD}`; leave one of them out");
    Error::invalid(message).with_parameter(name)
}

fn question(name: String, given: Value) -> Result<Question> {
    let place = format!("{QUESTIONS}.{name}");
    let Value::Object(mut given) = given else {
        return Err(wrong(&place, "an object with `type`, `instructions` and `criteria`"));
    };
    let instructions = text(given.remove("instructions"), &format!("{place}.instructions"))?;
    let criteria = given.remove("criteria").filter(|criteria| !criteria.is_null());
    let in_criteria = format!("{place}.criteria");
    let kind = match given.get("type").and_then(Value::as_str) {
        Some("noul") => noul(criteria, &in_criteria)?,
        Some("choice") => choice(criteria, &in_criteria)?,
        Some("score") => score(criteria, &in_criteria)?,
        _ => return Err(wrong(&format!("{place}.type"), "noul, choice or score")),
    };
    if instructions.is_none() && matches!(kind, QuestionKind::Noul { yes: None, no: None }) {
        return Err(wrong(&format!("{place}.instructions"), TEXT));
    }
    Ok(Question { name, instructions, kind })
}

fn noul(criteria: Option<Value>, place: &str) -> Result<QuestionKind> {
    let expected = "an object with `true` and `false`";
    let mut criteria = match criteria {
        None => Map::new(),
        Some(Value::Object(criteria)) => criteria,
        Some(_) => return Err(wrong(place, expected)),
    };
    let yes = text(criteria.remove("true"), place)?;
    let no = text(criteria.remove("false"), place)?;
    if criteria.is_empty() {
        Ok(QuestionKind::Noul { yes, no })
    } else {
        Err(wrong(place, expected))
    }
}

fn choice(criteria: Option<Value>, place: &str) -> Result<QuestionKind> {
    let expected =
        format!("an object of 2 to {LABELS_MAX} labels, each with its description or null");
    let labels = match criteria {
        Some(Value::Object(labels)) if (2..=LABELS_MAX).contains(&labels.len()) => labels,
        _ => return Err(wrong(place, &expected)),
    };
    let labels = labels.into_iter().map(|(label, meaning)| {
        let meaning = text(Some(meaning), &format!("{place}.{label}"))?;
        Ok((label, meaning))
    });
    labels.collect::<Result<_>>().map(QuestionKind::Choice)
}

fn score(criteria: Option<Value>, place: &str) -> Result<QuestionKind> {
    let expected = format!("a list of 2 to {LEVELS_MAX} descriptions of levels, the lowest first");
    let levels = match criteria {
        Some(Value::Array(levels)) if (2..=LEVELS_MAX).contains(&levels.len()) => levels,
        _ => return Err(wrong(place, &expected)),
    };
    let levels = levels.into_iter().enumerate().map(|(level, meaning)| {
        let place = format!("{place}[{level}]");
        text(Some(meaning), &place)?.ok_or_else(|| wrong(&place, TEXT))
    });
    levels.collect::<Result<_>>().map(QuestionKind::Score)
}

/// What says something: a text that is not blank, an object or a list.
fn text(given: Option<Value>, place: &str) -> Result<Option<Value>> {
    match given {
        None | Some(Value::Null) => Ok(None),
        Some(value @ (Value::String(_) | Value::Object(_) | Value::Array(_))) => {
            Ok(Some(value).filter(|value| !text_of(value).trim().is_empty()))
        }
        Some(_) => Err(wrong(place, TEXT)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::backboard::MessageBody;

    fn body(more: Value) -> Result<MessageBody> {
        let mut body = json!({"content": "hello", "system_one": {"questions":
            {"q": {"type": "noul", "instructions": "Is it?"}}}});
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        MessageBody::read(&Fields::of_json(body.to_string().as_bytes()).unwrap())
    }

    fn one(question: Value) -> Result<MessageBody> {
        body(json!({"system_one": {"questions": {"q": question}}}))
    }

    #[test]
    fn questions_are_read_in_their_order_from_json_and_from_its_text() {
        let asked = json!({"state": {"mail": "hi"}, "questions": {
            "z": {"type": "noul", "instructions": ["Is it?"], "criteria": {"true": "a", "false": null}},
            "a": {"type": "choice", "instructions": "Which?", "criteria": {"y": null, "b": "B"}},
            "m": {"type": "score", "criteria": ["low", {"level": "high"}]}}});
        for form in [asked.clone(), json!(asked.to_string())] {
            let decision = body(json!({"system_one": form})).unwrap().decision.unwrap();
            assert_eq!(decision.state, Some(json!({"mail": "hi"})));
            let names: Vec<&str> =
                decision.questions.iter().map(|question| question.name.as_str()).collect();
            assert_eq!(names, ["z", "a", "m"]);
            let yes = Some(json!("a"));
            assert_eq!(decision.questions[0].kind, QuestionKind::Noul { yes, no: None });
            let labels = vec![("y".to_owned(), None), ("b".to_owned(), Some(json!("B")))];
            assert_eq!(decision.questions[1].kind, QuestionKind::Choice(labels));
            let levels = vec![json!("low"), json!({"level": "high"})];
            assert_eq!(decision.questions[2].kind, QuestionKind::Score(levels));
        }
        assert_eq!(body(json!({"system_one": null})).unwrap().decision, None);
    }

    #[test]
    fn a_state_is_what_is_said_where_nothing_else_is() {
        let questions = json!({"q": {"type": "noul", "instructions": "Is it?"}});
        let given = |content: &str, state: Value| {
            let system_one = json!({"state": state, "questions": questions});
            let body = body(json!({"content": content, "system_one": system_one})).unwrap();
            (body.content, body.decision.and_then(|decision| decision.state))
        };
        assert_eq!(given("hello", json!("s")), ("hello".to_owned(), Some(json!("s"))));
        assert_eq!(given(" ", json!("s")), ("s".to_owned(), None));
        assert_eq!(given("", json!({"a": 1})), ("{\"a\":1}".to_owned(), None));
        assert_eq!(given("", json!("")), (String::new(), None));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_place() {
        let many = |count: usize| -> Value {
            let question = json!({"type": "noul", "instructions": "?"});
            (0..count).map(|number| (number.to_string(), question.clone())).collect()
        };
        let levels = |count: usize| json!({"type": "score", "criteria": vec!["level"; count]});
        let criteria = "system_one.questions.q.criteria";
        for (refused, place) in [
            (body(json!({"stream": true})), "stream"),
            (body(json!({"tools": [{"function": {"name": "f"}}]})), "tools"),
            (body(json!({"send_to_llm": "false"})), "send_to_llm"),
            (body(json!({"system_one": {}})), QUESTIONS),
            (body(json!({"system_one": {"questions": {}}})), QUESTIONS),
            (body(json!({"system_one": {"questions": many(65)}})), QUESTIONS),
            (body(json!({"system_one": "yes"})), FIELD),
            (body(json!({"system_one": {"state": 7, "questions": many(1)}})), "system_one.state"),
            (one(json!({"type": "box", "instructions": "Where?"})), "system_one.questions.q.type"),
            (one(json!({"type": "noul"})), "system_one.questions.q.instructions"),
            (
                one(json!({"type": "noul", "instructions": " "})),
                "system_one.questions.q.instructions",
            ),
            (
                one(json!({"type": "noul", "instructions": "?", "criteria": {"maybe": "x"}})),
                criteria,
            ),
            (one(json!({"type": "choice", "instructions": "?"})), criteria),
            (one(json!({"type": "choice", "criteria": {"only": null}})), criteria),
            (one(json!({"type": "choice", "criteria": ["a", "b"]})), criteria),
            (one(json!({"type": "score", "criteria": {"0": "a"}})), criteria),
            (one(levels(1)), criteria),
            (one(levels(11)), criteria),
            (
                one(json!({"type": "score", "criteria": ["a", null]})),
                "system_one.questions.q.criteria[1]",
            ),
            (one(json!("?")), "system_one.questions.q"),
        ] {
            let error = refused.unwrap_err();
            assert_eq!(error.parameter(), Some(place), "{error}");
        }
        assert!(body(json!({"system_one": {"questions": many(64)}, "tools": []})).is_ok());
        assert!(one(levels(10)).is_ok());
    }
}
