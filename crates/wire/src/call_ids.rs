//! Names and ids of tools, written so that this format takes them.

use std::collections::{HashMap, HashSet};

const NAME_CHARACTERS_MAX: usize = 128;

/// Every character outside `[a-zA-Z0-9_-]` becomes an underscore.
fn sanitised(text: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    text.chars().map(|character| if allowed(character) { character } else { '_' }).collect()
}

/// A tool's name as `^[a-zA-Z0-9_-]{1,128}$`.
pub(super) fn tool_name(name: &str) -> String {
    let mut name = sanitised(name);
    name.truncate(NAME_CHARACTERS_MAX);
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The ids of one conversation's calls. Here they must be unique in a conversation, elsewhere some
/// servers count from zero in every answer.
#[derive(Default)]
pub(super) struct CallIds {
    /// What each given id was last written as.
    written: HashMap<String, String>,
    used: HashSet<String>,
}

impl CallIds {
    /// The id under which a call is written.
    pub(super) fn call(&mut self, given: &str) -> String {
        let plain = match sanitised(given) {
            empty if empty.is_empty() => "call".to_owned(),
            plain => plain,
        };
        let mut unique = plain.clone();
        let mut count = 1_usize;
        while !self.used.insert(unique.clone()) {
            count += 1;
            unique = format!("{plain}_{count}");
        }
        self.written.insert(given.to_owned(), unique.clone());
        unique
    }

    /// The id of the call that a result answers: the last one made under the given id.
    pub(super) fn result(&self, given: &str) -> String {
        self.written.get(given).cloned().unwrap_or_else(|| sanitised(given))
    }

    /// Notes an id that is written as it is.
    pub(super) fn keep(&mut self, id: &str) {
        self.used.insert(id.to_owned());
        self.written.insert(id.to_owned(), id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_used_in_two_answers_is_written_differently_and_results_follow() {
        let mut ids = CallIds::default();
        assert_eq!(ids.call("functions.f:0"), "functions_f_0");
        assert_eq!(ids.result("functions.f:0"), "functions_f_0");
        assert_eq!(ids.call("functions.f:0"), "functions_f_0_2");
        assert_eq!(ids.result("functions.f:0"), "functions_f_0_2");
        assert_eq!(ids.call(""), "call");
        assert_eq!(ids.result("unknown!"), "unknown_");
    }

    #[test]
    fn tool_names_fit_the_pattern() {
        assert_eq!(tool_name("files.read/é"), "files_read__");
        assert_eq!(tool_name(&"x".repeat(200)).len(), 128);
        assert_eq!(tool_name(""), "_");
    }
}
