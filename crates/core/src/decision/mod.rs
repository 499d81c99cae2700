//! Questions with typed answers: what a model is asked, and what is believed of what it says.

mod answer;
mod prompt;

pub use prompt::RULES;
use serde_json::{Map, Value};

/// Questions of one decision.
pub const QUESTIONS_MAX: usize = 64;
/// Labels of one choice.
pub const LABELS_MAX: usize = 100;
/// Levels of one score.
pub const LEVELS_MAX: usize = 10;

/// Answers by the names of their questions, as clients read them.
pub type Answers = Map<String, Value>;

/// Questions about one thing, answered with probabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What the questions are about, where that is more than what the user says.
    pub state: Option<Value>,
    pub questions: Vec<Question>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The application's name of it. A model sees a number instead, so that no name leads it.
    pub name: String,
    /// A text, or an object or list that says more.
    pub instructions: Option<Value>,
    pub kind: QuestionKind,
}

/// What may be answered. Descriptions are texts, objects or lists.
#[derive(Clone, Debug, PartialEq)]
pub enum QuestionKind {
    /// Yes or no, and what counts as either.
    Noul { yes: Option<Value>, no: Option<Value> },
    /// One of several labels, each with what it means where its name does not say it all.
    Choice(Vec<(String, Option<Value>)>),
    /// A level, the lowest first.
    Score(Vec<Value>),
}

/// One possible answer between a model and us.
struct Possible<'a> {
    /// The key of its probability in the model's answer.
    code: String,
    /// What a model may call it instead.
    word: Option<&'a str>,
    meaning: Option<&'a Value>,
}

impl QuestionKind {
    fn possible(&self) -> Vec<Possible<'_>> {
        match self {
            Self::Noul { yes, no } => vec![
                Possible { code: "yes".to_owned(), word: Some("true"), meaning: yes.as_ref() },
                Possible { code: "no".to_owned(), word: Some("false"), meaning: no.as_ref() },
            ],
            Self::Choice(labels) => (1..)
                .zip(labels)
                .map(|(number, (label, meaning)): (usize, _)| Possible {
                    code: format!("o{number}"),
                    word: Some(label),
                    meaning: meaning.as_ref(),
                })
                .collect(),
            Self::Score(levels) => levels
                .iter()
                .enumerate()
                .map(|(level, meaning)| Possible {
                    code: level.to_string(),
                    word: None,
                    meaning: Some(meaning),
                })
                .collect(),
        }
    }
}

/// What a value says: a text as it is, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
