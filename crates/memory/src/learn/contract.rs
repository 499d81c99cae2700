//! The contract with the model: reads its reply as far as it keeps to it, and says precisely where
//! it does not.

use backstay_core::memory::{Confidence, MemoryKind};
use serde_json::{Map, Value};

use super::{json, normal::one_line};

/// Facts of one reply; what a model adds beyond them is not read.
pub const FACTS_MAX: usize = 50;
/// A sentence; in every script below what the store takes.
pub const TEXT_BYTES_MAX: usize = 600;
/// Two sentences of the turn.
pub const QUOTE_BYTES_MAX: usize = 1_000;
pub const SUBJECT_BYTES_MAX: usize = 200;
pub const SUMMARY_CHARS_MAX: usize = 2_000;
/// Turns that one fact may rest on.
pub const CITED_MAX: usize = 20;
/// Problems that one repair names; a model that makes more than these does not understand the rest.
const PROBLEMS_MAX: usize = 12;

/// How a fact stands to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing known says it.
    Add,
    /// It completes a known memory that stays true.
    Update,
    /// A known memory is no longer true because of it.
    Contradict,
    /// A known memory says the same.
    None,
}

impl Operation {
    pub const ALL: [Self; 4] = [Self::Add, Self::Update, Self::Contradict, Self::None];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Contradict => "contradict",
            Self::None => "none",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == text)
    }
}

/// A fact as a model stated it: of the right form, true or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedFact {
    pub text: String,
    pub kind: MemoryKind,
    pub subject: Option<String>,
    /// Numbers of the segment's turns.
    pub turns: Vec<u32>,
    pub quote: String,
    /// First and last day, as text.
    pub from: Option<String>,
    pub to: Option<String>,
    pub confidence: Confidence,
    pub operation: Operation,
    /// The number of a known memory.
    pub target: Option<u32>,
}

/// What of a reply could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearningReply {
    pub facts: Vec<LearnedFact>,
    /// Empty when there is none.
    pub summary: String,
}

/// A reply as read, and what a repair would have to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// `None` when there is no JSON object with facts in it.
    pub reply: Option<LearningReply>,
    /// Sentences for the model, each saying where and what; empty when the contract was kept.
    pub problems: Vec<String>,
}

/// Reads a model's answer. Words, code fences and thinking around the JSON are overlooked; so are
/// numbers written as text and one turn that is not in a list. Anything else that does not keep to
/// the contract is a problem, and costs only the fact that it is in. Never fails, whatever the text.
pub fn parse(answer: &str) -> Parsed {
    let object = match json::find(answer) {
        Ok(object) => object,
        Err(problem) => return Parsed { reply: None, problems: vec![problem] },
    };
    let mut problems = Vec::new();
    let Some(Value::Array(items)) = object.get("facts") else {
        let problem = "`facts` must be a list of objects".to_owned();
        return Parsed { reply: None, problems: vec![problem] };
    };
    let mut facts = Vec::new();
    for (index, item) in items.iter().take(FACTS_MAX).enumerate() {
        match fact(item) {
            Ok(fact) => facts.push(fact),
            Err(problem) => problems.push(format!("facts[{index}]: {problem}")),
        }
    }
    problems.truncate(PROBLEMS_MAX);
    let summary = match object.get("summary") {
        Some(Value::String(text)) => one_line(text).chars().take(SUMMARY_CHARS_MAX).collect(),
        None | Some(Value::Null) => String::new(),
        Some(_) => {
            problems.push("`summary` must be a text".to_owned());
            String::new()
        }
    };
    Parsed { reply: Some(LearningReply { facts, summary }), problems }
}

fn fact(item: &Value) -> Result<LearnedFact, String> {
    let fields = item.as_object().ok_or("must be an object")?;
    let text = required_text(fields, "text", TEXT_BYTES_MAX)?;
    let valid = period(fields)?;
    let (from, to) = match valid {
        Some(valid) => (short_text(valid, "from")?, short_text(valid, "to")?),
        None => (None, None),
    };
    Ok(LearnedFact {
        text,
        kind: kind(fields)?,
        subject: optional_text(fields, "subject", SUBJECT_BYTES_MAX)?,
        turns: turns(fields)?,
        quote: required_text(fields, "quote", QUOTE_BYTES_MAX)?,
        from,
        to,
        confidence: confidence(fields)?,
        operation: operation(fields)?,
        target: target(fields)?,
    })
}

fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn required_text(
    fields: &Map<String, Value>,
    name: &str,
    bytes_max: usize,
) -> Result<String, String> {
    optional_text(fields, name, bytes_max)?
        .ok_or_else(|| format!("`{name}` must be a text that is not empty"))
}

/// `None` for an absent or empty one.
fn optional_text(
    fields: &Map<String, Value>,
    name: &str,
    bytes_max: usize,
) -> Result<Option<String>, String> {
    let Some(value) = present(fields, name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| format!("`{name}` must be a text"))?.trim();
    if text.len() > bytes_max {
        return Err(format!("`{name}` must have at most {bytes_max} bytes"));
    }
    let text = one_line(text);
    Ok((!text.is_empty()).then_some(text))
}

/// A year may stand there as a number.
fn short_text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    const BYTES_MAX: usize = 40;
    match present(fields, name) {
        Some(Value::Number(year)) => Ok(Some(year.to_string())),
        _ => optional_text(fields, name, BYTES_MAX),
    }
}

fn kind(fields: &Map<String, Value>) -> Result<MemoryKind, String> {
    let named = optional_text(fields, "kind", SUBJECT_BYTES_MAX)?.unwrap_or_default();
    MemoryKind::parse(&named.to_lowercase()).ok_or_else(|| {
        format!("`kind` must be one of {}", MemoryKind::ALL.map(MemoryKind::as_str).join(", "))
    })
}

fn operation(fields: &Map<String, Value>) -> Result<Operation, String> {
    let Some(named) = optional_text(fields, "op", SUBJECT_BYTES_MAX)? else {
        return Ok(Operation::Add);
    };
    Operation::parse(&named.to_lowercase()).ok_or_else(|| {
        format!("`op` must be one of {}", Operation::ALL.map(Operation::as_str).join(", "))
    })
}

/// The period under the name that the rules use, or the one that models like to use for events.
fn period(fields: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, String> {
    match present(fields, "valid").or_else(|| present(fields, "occurred")) {
        None => Ok(None),
        Some(Value::Object(period)) => Ok(Some(period)),
        Some(_) => Err("`valid` must be an object with `from` and `to`".to_owned()),
    }
}

fn turns(fields: &Map<String, Value>) -> Result<Vec<u32>, String> {
    let wrong = || "`turns` must be a list of the numbers of turns".to_owned();
    let mut numbers = match present(fields, "turns").or_else(|| present(fields, "turn")) {
        Some(Value::Array(items)) if items.len() <= CITED_MAX => {
            items.iter().map(number).collect::<Option<Vec<_>>>().ok_or_else(wrong)?
        }
        Some(one) => vec![number(one).ok_or_else(wrong)?],
        None => Vec::new(),
    };
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() { Err(wrong()) } else { Ok(numbers) }
}

fn target(fields: &Map<String, Value>) -> Result<Option<u32>, String> {
    let Some(value) = present(fields, "target") else { return Ok(None) };
    let wrong = "`target` must be the number of a known memory, or null";
    number(value).map(Some).ok_or_else(|| wrong.to_owned())
}

/// A whole number, also as text and with the brackets that the prompt writes it in.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.trim_matches(['[', ']', ' ']).parse().ok(),
        Value::Number(_) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
        _ => None,
    }
}

/// A percentage; a fraction below or at 1 is one too.
fn confidence(fields: &Map<String, Value>) -> Result<Confidence, String> {
    const UNSAID: u8 = 70;
    let wrong = || "`confidence` must be a number from 0 to 100".to_owned();
    let stated = match present(fields, "confidence") {
        None => return Confidence::percent(UNSAID).ok_or_else(wrong),
        Some(Value::String(text)) => text.trim_end_matches('%').trim().parse::<f64>().ok(),
        Some(value) => value.as_f64(),
    };
    let stated = stated.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(wrong)?;
    let is_fraction = stated <= 1.0 && stated > 0.0;
    let percent = if is_fraction { stated * 100.0 } else { stated };
    // In range by the check above.
    Confidence::percent(percent.round() as u8).ok_or_else(wrong)
}
