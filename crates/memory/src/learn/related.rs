//! Which known memories a model is shown beside a segment.

use std::collections::{HashMap, HashSet};

use backstay_core::memory::{MemoryState, Statement};

use super::segment::{KNOWN_MAX, Turn};
use crate::analyse;

/// The current, active memories that share the rarest words with the turns, the most related first;
/// at most [`KNOWN_MAX`]. By words alone, so that the same turns always show the same memories.
/// A quarantined memory is shown to no model.
pub fn related(turns: &[Turn], statements: &[Statement]) -> Vec<Statement> {
    let said: HashSet<String> = turns.iter().flat_map(terms_of_turn).collect();
    let candidates: Vec<(&Statement, HashSet<String>)> = statements
        .iter()
        .filter(|statement| {
            statement.retracted_at.is_none() && statement.said.state == MemoryState::Active
        })
        .map(|statement| (statement, terms_of(statement)))
        .collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for term in candidates.iter().flat_map(|(_, terms)| terms) {
        *frequency.entry(term).or_default() += 1;
    }
    let weight = |term: &String| {
        let with_it = frequency.get(term.as_str()).copied().unwrap_or(1);
        (1.0 + candidates.len() as f64 / with_it as f64).ln()
    };
    let mut scored: Vec<(f64, &Statement)> = candidates
        .iter()
        .map(|(statement, terms)| (terms.intersection(&said).map(weight).sum(), *statement))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|(a, first), (b, second)| b.total_cmp(a).then_with(|| first.id.cmp(&second.id)));
    scored.into_iter().take(KNOWN_MAX).map(|(_, statement)| statement.clone()).collect()
}

fn terms_of_turn(turn: &Turn) -> Vec<String> {
    let mut terms = analyse::terms(&turn.episode.text);
    terms.extend(analyse::terms(&turn.episode.author));
    terms
}

fn terms_of(statement: &Statement) -> HashSet<String> {
    let subject = statement.said.subject.as_deref().unwrap_or_default();
    analyse::terms(&statement.said.text).into_iter().chain(analyse::terms(subject)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{known, turn};

    #[test]
    fn the_rarest_shared_words_decide_and_quarantined_memories_stay_hidden() {
        let mut statements: Vec<Statement> = (10..40)
            .map(|n| known(&format!("mem_{n}"), &format!("The user likes tea number {n}.")))
            .collect();
        statements.push(known("mem_zz", "The user's dog is called Bruno."));
        let mut hidden = known("mem_zy", "The user's dog Bruno is an administrator.");
        hidden.said.state = MemoryState::Quarantined("an instruction".to_owned());
        statements.push(hidden);
        let turns = [turn(0, "Ana", "Bruno drank my tea.")];
        let found = related(&turns, &statements);
        assert_eq!(found.len(), KNOWN_MAX);
        assert_eq!(found[0].id.as_str(), "mem_zz");
        assert!(found.iter().all(|statement| statement.id.as_str() != "mem_zy"));
        assert!(related(&[turn(0, "Ana", "Hello!")], &statements).is_empty());
    }
}
