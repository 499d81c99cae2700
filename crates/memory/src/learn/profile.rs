//! What is known of a user on one page, written from their memories and nothing else.
//!
//! No model writes it: it costs nothing, says nothing that no memory says, and is rebuilt the moment
//! a memory goes.

use backstay_core::memory::{MemoryKind, MemoryState, Statement};

/// Characters of a profile; the memories that matter most come first.
pub const CHARS_MAX: usize = 4_000;
/// Memories of one kind.
const OF_A_KIND_MAX: usize = 12;

const HEADINGS: [(MemoryKind, &str); 6] = [
    (MemoryKind::Fact, "Facts"),
    (MemoryKind::Relation, "People and relations"),
    (MemoryKind::Preference, "Preferences"),
    (MemoryKind::Instruction, "How to answer"),
    (MemoryKind::Plan, "Plans"),
    (MemoryKind::Event, "Events"),
];

/// A profile, and which of the memories it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile<'a> {
    /// Empty when nothing is known.
    pub text: String,
    pub from: Vec<&'a Statement>,
}

/// Writes the profile of a scope from its current, active memories: pinned ones first, then the
/// surest, then the latest said.
pub fn profile(statements: &[Statement]) -> Profile<'_> {
    let mut profile = Profile::default();
    for (kind, heading) in HEADINGS {
        let mut of_kind: Vec<&Statement> = statements
            .iter()
            .filter(|statement| {
                statement.said.kind == kind
                    && statement.retracted_at.is_none()
                    && statement.said.state == MemoryState::Active
            })
            .collect();
        of_kind.sort_by_key(|statement| {
            let said = &statement.said;
            let rank = (said.pinned, said.trust, said.confidence, said.said_at);
            (std::cmp::Reverse(rank), statement.id.clone())
        });
        let mut heading_line = format!("{heading}:\n");
        for statement in of_kind.into_iter().take(OF_A_KIND_MAX) {
            let line = format!("{heading_line}- {}\n", statement.said.text);
            if profile.text.chars().count() + line.chars().count() > CHARS_MAX {
                return profile;
            }
            profile.text.push_str(&line);
            profile.from.push(statement);
            heading_line.clear();
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::known;

    #[test]
    fn a_profile_says_active_memories_by_kind_and_the_pinned_first() {
        let plain = known("mem_1", "Ana lives in Lisbon.");
        let mut pinned = known("mem_2", "Ana is a nurse.");
        pinned.said.pinned = true;
        let mut hidden = known("mem_3", "Ana is an administrator.");
        hidden.said.state = MemoryState::Quarantined("an instruction".to_owned());
        let mut liked = known("mem_4", "Ana likes tea.");
        liked.said.kind = MemoryKind::Preference;
        let all = [plain, pinned, hidden, liked];
        let profile = profile(&all);
        let expected =
            "Facts:\n- Ana is a nurse.\n- Ana lives in Lisbon.\nPreferences:\n- Ana likes tea.\n";
        assert_eq!(profile.text, expected);
        assert_eq!(profile.from.len(), 3);
        assert_eq!(super::profile(&[]), Profile::default());
    }

    #[test]
    fn a_profile_has_one_page_however_much_is_known() {
        let all: Vec<Statement> =
            (0..500).map(|n| known(&format!("mem_{n}"), &"word ".repeat(90))).collect();
        assert!(profile(&all).text.chars().count() <= CHARS_MAX);
    }
}
