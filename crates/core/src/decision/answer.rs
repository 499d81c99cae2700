//! What is believed of a model's answer. Its probabilities are its own estimates: they are brought to a sum
//! of one and not judged otherwise.

use serde_json::{Map, Value, json};

use super::{Answers, Decision, Possible, Question, QuestionKind};
use crate::{Error, ErrorCode, Result};

/// Beginnings of objects that are tried, where a model has said something before its answer.
const BEGINNINGS_MAX: usize = 8;
/// Probabilities are given in millionths.
const MILLION: f64 = 1e6;
const PERCENT: f64 = 100.0;

impl Decision {
    /// The answers to all questions, or what is wrong with what the model said.
    ///
    /// # Errors
    /// `upstream_invalid_response`.
    pub fn answers(&self, said: &str) -> Result<Answers> {
        let given = object_in(said).ok_or_else(|| unreadable("it holds no JSON object"))?;
        let mut answers = Answers::new();
        for (number, question) in (1..).zip(&self.questions) {
            let number: usize = number;
            let given = given.get(&number.to_string()).ok_or("was not answered");
            let answer =
                given.and_then(|given| question.answer(given).ok_or("got no probability above 0"));
            let answer = answer
                .map_err(|wrong| unreadable(&format!("question `{}` {wrong}", question.name)))?;
            answers.insert(question.name.clone(), answer);
        }
        Ok(answers)
    }
}

fn unreadable(why: &str) -> Error {
    let message = format!(
        "the model's answer to `system_one` cannot be read: {why}; ask again, or choose a model that \
         writes JSON reliably"
    );
    Error::new(ErrorCode::UpstreamInvalidResponse, message)
}

/// The first object in a text: some models put it into a code fence, or a sentence before it.
fn object_in(said: &str) -> Option<Map<String, Value>> {
    let beginnings = said.match_indices('{').take(BEGINNINGS_MAX);
    beginnings.map(|(start, _)| &said[start..]).find_map(|text| {
        let mut values = serde_json::Deserializer::from_str(text).into_iter();
        values.next().and_then(Result::ok)
    })
}

impl Question {
    /// `None` where nothing was found likely.
    fn answer(&self, given: &Value) -> Option<Value> {
        let possible = self.kind.possible();
        let likely = normalised(&self.weights(given, &possible))?;
        let (best, confidence) = likeliest(&likely);
        let keyed = |keys: Vec<&str>| -> Map<String, Value> {
            let shares = likely.iter().map(|share| json!(rounded(*share)));
            keys.into_iter().map(str::to_owned).zip(shares).collect()
        };
        let answer = match &self.kind {
            QuestionKind::Noul { .. } => json!({"type": "noul", "noul": rounded(*likely.first()?)}),
            QuestionKind::Choice(labels) => json!({
                "type": "choice",
                "choice": labels.get(best)?.0,
                "probabilities": keyed(labels.iter().map(|(label, _)| label.as_str()).collect()),
                "confidence": rounded(confidence),
            }),
            QuestionKind::Score(levels) => {
                let codes: Vec<&str> = possible.iter().map(|one| one.code.as_str()).collect();
                let legend =
                    codes.iter().map(|code| (*code).to_owned()).zip(levels.iter().cloned());
                let weighed = likely.iter().enumerate().map(|(level, share)| level as f64 * share);
                json!({
                    "type": "score",
                    "score": rounded(weighed.sum()),
                    "legend": legend.collect::<Map<String, Value>>(),
                    "probabilities": keyed(codes),
                    "confidence": rounded(confidence),
                })
            }
        };
        Some(answer)
    }

    /// How likely the model finds each answer, in whatever measure. What it leaves out is not likely.
    fn weights(&self, given: &Value, possible: &[Possible<'_>]) -> Vec<f64> {
        let chosen = |said: &str| -> Vec<f64> {
            let is_meant =
                |one: &Possible<'_>| one.code == said || one.word_in(possible) == Some(said);
            possible.iter().map(|one| f64::from(u8::from(is_meant(one)))).collect()
        };
        let weighed = |members: &Map<String, Value>| -> Vec<Option<f64>> {
            possible.iter().map(|one| one.member(members, possible).and_then(weight)).collect()
        };
        // Where only one of the two is given, the other is what remains.
        let two = |yes: f64| if yes <= 1.0 { vec![yes, 1.0 - yes] } else { Vec::new() };
        match (given, &self.kind) {
            (Value::Object(members), QuestionKind::Noul { .. }) => match *weighed(members) {
                [Some(yes), None] => two(yes),
                [None, Some(no)] => two(no).into_iter().rev().collect(),
                ref both => both.iter().map(|given| given.unwrap_or_default()).collect(),
            },
            (Value::Object(members), _) => {
                weighed(members).into_iter().map(Option::unwrap_or_default).collect()
            }
            (Value::Number(_), QuestionKind::Noul { .. }) => {
                weight(given).map(two).unwrap_or_default()
            }
            (Value::String(said), _) => chosen(said.trim()),
            (Value::Bool(_) | Value::Number(_), _) => chosen(&given.to_string()),
            (Value::Null | Value::Array(_), _) => Vec::new(),
        }
    }
}

impl<'a> Possible<'a> {
    /// A label may be what another one's key is.
    fn word_in(&self, possible: &[Possible<'_>]) -> Option<&'a str> {
        self.word.filter(|word| possible.iter().all(|one| one.code != *word))
    }

    fn member<'m>(
        &self,
        members: &'m Map<String, Value>,
        possible: &[Possible<'_>],
    ) -> Option<&'m Value> {
        members.get(&self.code).or_else(|| members.get(self.word_in(possible)?))
    }
}

/// What is no number, or below zero, says nothing.
fn weight(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse().ok().map(|percent: f64| percent / PERCENT),
            None => text.trim().parse().ok(),
        },
        Value::Bool(is_so) => Some(f64::from(u8::from(*is_so))),
        _ => None,
    };
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

/// Shares of one; `None` where there is nothing to share. The largest is brought to one first, so that no
/// sum overflows.
fn normalised(weights: &[f64]) -> Option<Vec<f64>> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return None;
    }
    let parts: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
    let sum: f64 = parts.iter().sum();
    Some(parts.into_iter().map(|part| part / sum).collect())
}

/// Of equal ones the first.
fn likeliest(shares: &[f64]) -> (usize, f64) {
    let better = |best: (usize, f64), (at, share): (usize, &f64)| {
        if *share > best.1 { (at, *share) } else { best }
    };
    shares.iter().enumerate().fold((0, 0.0), better)
}

fn rounded(number: f64) -> f64 {
    (number * MILLION).round() / MILLION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, kind: QuestionKind) -> Question {
        Question { name: name.to_owned(), instructions: Some(json!("?")), kind }
    }

    fn noul() -> QuestionKind {
        QuestionKind::Noul { yes: None, no: None }
    }

    fn choice(labels: &[&str]) -> QuestionKind {
        QuestionKind::Choice(labels.iter().map(|label| ((*label).to_owned(), None)).collect())
    }

    fn score(levels: &[&str]) -> QuestionKind {
        QuestionKind::Score(levels.iter().map(|level| json!(level)).collect())
    }

    fn answer(kind: QuestionKind, given: Value) -> Result<Value> {
        let decision = Decision { state: None, questions: vec![question("q", kind)] };
        let answers = decision.answers(&json!({"1": given}).to_string())?;
        Ok(answers["q"].clone())
    }

    #[test]
    fn each_kind_has_its_members() {
        let decision = Decision {
            state: None,
            questions: vec![
                question("b", noul()),
                question("a", choice(&["x", "y", "z"])),
                question("c", score(&["low", "middle", "high"])),
            ],
        };
        let said = "Here you are:\n```json\n{\"3\": {\"0\": 0.1, \"1\": 0.1, \"2\": 0.8}, \
                    \"2\": {\"o1\": 2, \"o2\": \"6\"}, \"1\": {\"yes\": \"90%\", \"no\": 0.1}}\n```";
        let answers = decision.answers(said).unwrap();
        let names: Vec<&String> = answers.keys().collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert_eq!(answers["b"], json!({"type": "noul", "noul": 0.9}));
        let expected = json!({"type": "choice", "choice": "y", "confidence": 0.75,
            "probabilities": {"x": 0.25, "y": 0.75, "z": 0.0}});
        assert_eq!(answers["a"], expected);
        let expected = json!({"type": "score", "score": 1.7, "confidence": 0.8,
            "legend": {"0": "low", "1": "middle", "2": "high"},
            "probabilities": {"0": 0.1, "1": 0.1, "2": 0.8}});
        assert_eq!(answers["c"], expected);
    }

    #[test]
    fn shorter_forms_and_labels_are_understood_as_they_are_meant() {
        let noul_of = |given| answer(noul(), given).unwrap()["noul"].clone();
        assert_eq!(noul_of(json!(0.3)), 0.3);
        assert_eq!(noul_of(json!({"yes": 0.3})), 0.3);
        assert_eq!(noul_of(json!({"false": 0.3})), 0.7);
        assert_eq!(noul_of(json!(false)), 0.0);
        assert_eq!(noul_of(json!("yes")), 1.0);
        let chosen = |given| answer(choice(&["o2", "b"]), given).unwrap()["choice"].clone();
        assert_eq!(chosen(json!("b")), "b");
        assert_eq!(chosen(json!("o2")), "b");
        assert_eq!(chosen(json!({"o2": 1})), "b");
        assert_eq!(chosen(json!({"o1": 0.5, "o2": 0.5})), "o2");
        assert_eq!(answer(score(&["a", "b"]), json!(1)).unwrap()["score"], 1.0);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_nothing_is_answered_in_part() {
        let two = Decision {
            state: None,
            questions: vec![question("first", noul()), question("second", choice(&["a", "b"]))],
        };
        for (said, named) in [
            ("", "no JSON object"),
            ("I cannot say {really}.", "no JSON object"),
            ("{\"1\": {\"yes\": 0.5, ", "no JSON object"),
            ("{\"1\": {\"yes\": 1}}", "`second`"),
            ("{\"1\": {\"yes\": \"NaN\", \"no\": -1}, \"2\": {\"o1\": 1}}", "`first`"),
            ("{\"1\": {\"yes\": 90}, \"2\": {\"o1\": 1}}", "`first`"),
            ("{\"1\": {\"yes\": 0, \"no\": 0}, \"2\": {\"o1\": 1}}", "`first`"),
            ("{\"1\": {\"yes\": 1}, \"2\": {\"o1\": \"NaN\", \"o2\": null, \"c\": 1}}", "`second`"),
            ("{\"1\": {\"yes\": 1}, \"2\": [0.5, 0.5]}", "`second`"),
        ] {
            let error = two.answers(said).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UpstreamInvalidResponse);
            assert!(error.message().contains(named), "{said}: {error}");
        }
    }

    /// Whatever numbers a model gives, an answer is a distribution over what was asked, or there is none.
    #[test]
    fn any_probabilities_give_a_valid_answer_or_an_error() {
        let values = [
            json!(0),
            json!(-0.5),
            json!(0.2),
            json!(1),
            json!(1e308),
            json!(5e-324),
            json!(null),
            json!("NaN"),
            json!("inf"),
            json!("-1"),
            json!("0.4"),
            json!("30 %"),
            json!([]),
            json!({}),
            json!(true),
            json!("likely"),
        ];
        let kinds = [noul(), choice(&["a", "b", "o1", "yes"]), score(&["a", "b", "c", "d"])];
        let codes =
            [["yes", "no", "true", "false"], ["o1", "o2", "o3", "o4"], ["0", "1", "2", "3"]];
        let (mut seed, mut readable) = (7_u64, 0);
        let mut below = |limit: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % limit
        };
        for round in 0..6_000 {
            let (kind, codes) = (&kinds[round % 3], codes[round % 3]);
            let mut members = Map::new();
            for code in codes {
                if below(5) > 0 {
                    members.insert(code.to_owned(), values[below(values.len())].clone());
                }
            }
            let given = Value::Object(members);
            let Ok(answer) = answer(kind.clone(), given.clone()) else { continue };
            readable += 1;
            let within = |value: &Value, max: f64| {
                let number = value.as_f64().unwrap_or(f64::NAN);
                assert!((0.0..=max).contains(&number), "{given}: {answer}");
                number
            };
            if let Some(noul) = answer.get("noul") {
                within(noul, 1.0);
                continue;
            }
            let shares = answer["probabilities"].as_object().unwrap();
            assert_eq!(shares.len(), 4);
            let sum: f64 = shares.values().map(|share| within(share, 1.0)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{given}: {answer}");
            let highest = shares.values().filter_map(Value::as_f64).fold(0.0, f64::max);
            assert_eq!(within(&answer["confidence"], 1.0), highest);
            match answer.get("choice") {
                Some(choice) => assert_eq!(shares[choice.as_str().unwrap()], json!(highest)),
                None => _ = within(&answer["score"], 3.0),
            }
        }
        assert!(readable > 3_000, "{readable}");
    }
}
