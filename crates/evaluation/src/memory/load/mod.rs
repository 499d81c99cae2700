//! Reads a data set in any of the known shapes, which is recognised by its first element.

mod beam;
mod locomo;
mod longmemeval;
mod plain;

use std::path::Path;

use backstay_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::dataset::{Conversation, Dataset, Format};

/// The largest file that is read: LongMemEval-S, the largest in common use, has about 280 MB.
pub const DATASET_BYTES_MAX: u64 = 512 * 1024 * 1024;

const SHAPES: &str = "The known shapes are: LoCoMo (a list of objects with \"conversation\" and \
    \"qa\"), BEAM (a list with \"chat\" and \"probing_questions\"), LongMemEval (a list with \
    \"question\" and \"haystack_sessions\") and plain chat JSON (an object, or a list of them, with \
    \"sessions\" and \"questions\"); bench/memory/README.md describes them";
/// Of a file of another shape this many fields are named.
const FIELDS_SHOWN: usize = 8;

impl Dataset {
    /// Reads a file. The error names what is wrong with it, and where.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let unreadable = |cause| Error::invalid(format!("{name} cannot be read: {cause}"));
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > DATASET_BYTES_MAX {
            let limit = DATASET_BYTES_MAX / (1024 * 1024);
            let message = format!(
                "{name} has {} MB, and at most {limit} MB are read: split it into several files",
                bytes / (1024 * 1024)
            );
            return Err(Error::invalid(message));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text).map_err(|error| {
            let message = format!("{name} cannot be used: {}", error.message());
            error.with_message(message)
        })
    }

    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self> {
        let samples = samples(text)?;
        let Some(first) = samples.first() else {
            return Err(Error::invalid("it is an empty list"));
        };
        let format = recognise(first)?;
        let mut conversations = Vec::with_capacity(samples.len());
        for (index, sample) in samples.iter().enumerate() {
            let read = match format {
                Format::LoCoMo => locomo::conversation(sample),
                Format::Beam => beam::conversation(sample),
                Format::LongMemEval => longmemeval::conversation(sample),
                Format::Plain => plain::conversation(sample, index),
            };
            let place = format!("element {} (read as {})", index + 1, format.title());
            let conversation = read.map_err(|error| {
                let message = format!("{place}: {}", error.message());
                error.with_message(message)
            })?;
            conversations.push(checked(conversation, &place)?);
        }
        let dataset = Self { format, conversations };
        if dataset.questions() == 0 {
            return Err(Error::invalid("it asks no questions, so there is nothing to measure"));
        }
        Ok(dataset)
    }
}

fn samples(text: &str) -> Result<Vec<&RawValue>> {
    let not_json = |cause: serde_json::Error| Error::invalid(format!("it is not JSON: {cause}"));
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(not_json);
    }
    serde_json::from_str(text).map(|sample| vec![sample]).map_err(not_json)
}

fn recognise(sample: &RawValue) -> Result<Format> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(sample.get())
        .map_err(|_| Error::invalid(format!("its first element is not an object. {SHAPES}")))?;
    let has = |names: [&str; 2]| names.iter().all(|name| fields.contains_key(*name));
    if has(["conversation", "qa"]) {
        Ok(Format::LoCoMo)
    } else if has(["chat", "probing_questions"]) {
        Ok(Format::Beam)
    } else if has(["question", "haystack_sessions"]) {
        Ok(Format::LongMemEval)
    } else if has(["sessions", "questions"]) {
        Ok(Format::Plain)
    } else {
        let found: Vec<&str> = fields.keys().take(FIELDS_SHOWN).map(String::as_str).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        Err(Error::invalid(format!(
            "its shape is not known: the first element has {found}. {SHAPES}"
        )))
    }
}

/// A sample as its type, with an error that says what is missing and where in the sample.
fn typed<T: DeserializeOwned>(sample: &RawValue) -> Result<T> {
    serde_json::from_str(sample.get()).map_err(|cause| Error::invalid(cause.to_string()))
}

fn checked(conversation: Conversation, place: &str) -> Result<Conversation> {
    if conversation.sessions.is_empty() {
        return Err(Error::invalid(format!("{place}: nobody says anything in it")));
    }
    let mut names: Vec<&str> = conversation.turns().map(|turn| turn.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid(format!("{place}: two turns have the id {:?}", pair[0])));
    }
    if let Some(number) = conversation.questions.iter().position(|one| one.text.trim().is_empty()) {
        return Err(Error::invalid(format!("{place}: question {} is empty", number + 1)));
    }
    Ok(conversation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        Dataset::parse(text).unwrap_err().message().to_owned()
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_what_it_has_and_what_is_known() {
        let message = complaint(r#"[{"mapping": {}, "title": "t"}]"#);
        assert!(message.contains("the first element has mapping, title"), "{message}");
        for known in ["LoCoMo", "BEAM", "LongMemEval", "plain chat JSON"] {
            assert!(message.contains(known), "{message}");
        }
        assert!(complaint("[[1]]").contains("its first element is not an object"));
        assert!(complaint("[]").contains("empty list"));
        assert!(complaint("hello").contains("it is not JSON"));
        assert!(complaint(r#"[{"conversation": {}"#).contains("it is not JSON"));
    }

    #[test]
    fn a_later_element_that_is_broken_is_named_by_its_number() {
        let good = r#"{"sessions": [{"started_at": "2024-01-01T00:00:00Z", "turns":
            [{"author": "Ann", "text": "hello"}]}], "questions": [{"ask": "who?"}]}"#;
        assert!(Dataset::parse(&format!("[{good}]")).is_ok());
        let message = complaint(&format!(r#"[{good}, {{"sessions": []}}]"#));
        assert!(message.contains("element 2 (read as plain chat JSON)"), "{message}");
        assert!(message.contains("nobody says anything"), "{message}");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(DATASET_BYTES_MAX + 1).unwrap();
        let error = Dataset::read(file.path()).unwrap_err();
        assert!(error.message().contains("at most 512 MB are read"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Dataset::read(Path::new("nowhere.json")).unwrap_err();
        assert!(error.message().contains("nowhere.json cannot be read"), "{error}");
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        assert!(complaint(&"[".repeat(200_000)).contains("it is not JSON"));
    }
}
