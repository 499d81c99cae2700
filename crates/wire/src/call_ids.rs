//! Names and ids of tools, written so that formats with narrow rules take them: those of Anthropic
//! and of Bedrock.

use std::collections::{HashMap, HashSet};

/// Every character outside `[a-zA-Z0-9_-]` becomes an underscore.
fn sanitised(text: &str) -> String {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    text.chars().map(|character| if allowed(character) { character } else { '_' }).collect()
}

/// A tool's name as `^[a-zA-Z0-9_-]{1,max}$`.
pub(crate) fn tool_name(name: &str, characters_max: usize) -> String {
    let mut name = sanitised(name);
    name.truncate(characters_max);
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The ids of one conversation's calls. They must be unique in a conversation, while some servers of
/// other formats count from zero in every answer.
pub(crate) struct CallIds {
    characters_max: usize,
    /// What each given id was last written as.
    written: HashMap<String, String>,
    used: HashSet<String>,
}

impl CallIds {
    pub(crate) fn new(characters_max: usize) -> Self {
        Self { characters_max, written: HashMap::new(), used: HashSet::new() }
    }

    /// The id under which a call is written.
    pub(crate) fn call(&mut self, given: &str) -> String {
        let mut plain = self.fitted(given);
        if plain.is_empty() {
            plain.push_str("call");
        }
        let mut unique = plain.clone();
        let mut count = 1_usize;
        while !self.used.insert(unique.clone()) {
            count += 1;
            let ending = format!("_{count}");
            let room = self.characters_max.saturating_sub(ending.len()).min(plain.len());
            unique = format!("{}{ending}", &plain[..room]);
        }
        self.written.insert(given.to_owned(), unique.clone());
        unique
    }

    /// The id of the call that a result answers: the last one made under the given id.
    pub(crate) fn result(&self, given: &str) -> String {
        self.written.get(given).cloned().unwrap_or_else(|| self.fitted(given))
    }

    fn fitted(&self, given: &str) -> String {
        let mut fitted = sanitised(given);
        fitted.truncate(self.characters_max);
        fitted
    }

    /// Notes an id that is written as it is.
    pub(crate) fn keep(&mut self, id: &str) {
        self.used.insert(id.to_owned());
        self.written.insert(id.to_owned(), id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_used_in_two_answers_is_written_differently_and_results_follow() {
        let mut ids = CallIds::new(64);
        assert_eq!(ids.call("functions.f:0"), "functions_f_0");
        assert_eq!(ids.result("functions.f:0"), "functions_f_0");
        assert_eq!(ids.call("functions.f:0"), "functions_f_0_2");
        assert_eq!(ids.result("functions.f:0"), "functions_f_0_2");
        assert_eq!(ids.call(""), "call");
        assert_eq!(ids.result("unknown!"), "unknown_");
    }

    #[test]
    fn tool_names_fit_the_pattern() {
        assert_eq!(tool_name("files.read/é", 128), "files_read__");
        assert_eq!(tool_name(&"x".repeat(200), 64).len(), 64);
        assert_eq!(tool_name("", 128), "_");
    }

    #[test]
    fn long_ids_are_cut_and_still_differ() {
        let mut ids = CallIds::new(8);
        let written: Vec<String> =
            ["abcdefgh1", "abcdefgh2"].into_iter().map(|given| ids.call(given)).collect();
        assert_eq!(written, ["abcdefgh", "abcdef_2"]);
        assert_eq!(ids.result("abcdefgh2"), "abcdef_2");
    }
}
