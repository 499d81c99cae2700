//! Reconciliation: verified facts against what is known, as changes to the store.
//!
//! Nothing is overwritten: a contradicted memory keeps its text and gets an end in time. The less
//! trusted never displaces the more trusted, and what reads like an instruction from elsewhere is
//! kept aside. The same facts against their own outcome change nothing.

use std::collections::HashMap;

use backstay_core::{
    MemoryId, Timestamp,
    memory::{MemoryState, NewStatement, SourceQuote, Statement, Validity},
};
use backstay_store::StatementChange;

use super::{
    normal::{normal, support},
    verify::{Relation, VerifiedFact},
};
use crate::safety::{self, Verdict};

/// The source of every learned memory, by which they can be purged together.
pub const SOURCE: &str = "learned";
/// A completed memory must keep this share of the words that it had; otherwise both are kept.
const KEPT_MIN: f64 = 0.5;

/// What the facts change. `known` are all current statements of the scope, not only those that the
/// model was shown; `learned_by` names the model and the prompt's version.
pub fn reconcile(
    facts: &[VerifiedFact],
    known: &[Statement],
    learned_by: &str,
) -> Vec<StatementChange> {
    let view = Known::new(known);
    let mut last_word: HashMap<&MemoryId, &VerifiedFact> = HashMap::new();
    for fact in facts {
        if let Some((target, _)) = view.displaced(fact) {
            let last = last_word.entry(&target.id).or_insert(fact);
            if fact.said_at >= last.said_at {
                *last = fact;
            }
        }
    }
    let changes = facts.iter().filter_map(|fact| {
        let new = new_statement(fact, learned_by);
        view.change(fact, new, &last_word)
    });
    changes.collect()
}

struct Known<'a> {
    current: &'a [Statement],
    by_text: HashMap<String, &'a Statement>,
}

impl<'a> Known<'a> {
    fn new(known: &'a [Statement]) -> Self {
        let is_current = |statement: &&Statement| statement.retracted_at.is_none();
        let by_text = known
            .iter()
            .filter(is_current)
            .map(|statement| (normal(&statement.said.text), statement))
            .collect();
        Self { current: known, by_text }
    }

    /// The current, active memory of this identifier.
    fn active(&self, id: &MemoryId) -> Option<&'a Statement> {
        self.current.iter().find(|statement| {
            statement.id == *id
                && statement.retracted_at.is_none()
                && statement.said.state == MemoryState::Active
        })
    }

    fn change(
        &self,
        fact: &VerifiedFact,
        new: NewStatement,
        last_word: &HashMap<&MemoryId, &VerifiedFact>,
    ) -> Option<StatementChange> {
        if let Some(same) = self.by_text.get(&normal(&fact.text)) {
            return with_evidence(same, fact);
        }
        if new.state != MemoryState::Active {
            return Some(StatementChange::Add(new));
        }
        match &fact.relation {
            Relation::New => Some(StatementChange::Add(new)),
            Relation::Repeats(id) => match self.active(id) {
                Some(target) => with_evidence(target, fact),
                None => Some(StatementChange::Add(new)),
            },
            Relation::Completes(id) => match self.active(id) {
                // What is about to be displaced is not completed any more.
                Some(target) if !last_word.contains_key(id) && completes(target, fact) => {
                    Some(completed(target, fact, new))
                }
                _ => Some(StatementChange::Add(new)),
            },
            Relation::Contradicts(id) => match self.active(id) {
                Some(target) => Some(self.contradiction(target, fact, new, last_word)),
                None => Some(StatementChange::Add(new)),
            },
        }
    }

    /// The memory that the fact takes the place of, and when.
    fn displaced(&self, fact: &VerifiedFact) -> Option<(&'a Statement, Timestamp)> {
        let Relation::Contradicts(id) = &fact.relation else { return None };
        let target = self.active(id)?;
        let allowed = objection(target, fact).is_none()
            && fact.said_at >= target.said.said_at
            && !self.by_text.contains_key(&normal(&fact.text))
            && verdict(fact).is_none();
        // The end of a memory is never before its beginning: then it never held.
        let begins = fact.valid.from.unwrap_or(fact.said_at);
        allowed.then(|| (target, target.said.valid.from.map_or(begins, |from| from.max(begins))))
    }

    fn contradiction(
        &self,
        target: &Statement,
        fact: &VerifiedFact,
        mut new: NewStatement,
        last_word: &HashMap<&MemoryId, &VerifiedFact>,
    ) -> StatementChange {
        if let Some(reason) = objection(target, fact) {
            new.state = MemoryState::Quarantined(reason);
            return StatementChange::Add(new);
        }
        let last = last_word.get(&target.id).copied();
        match (self.displaced(fact), last) {
            (Some((_, at)), Some(last)) if std::ptr::eq(last, fact) => {
                StatementChange::Supersede { ids: vec![target.id.clone()], by: new, at }
            }
            // Said between the memory and its last word: it held until then.
            (Some(_), Some(last)) => {
                StatementChange::Add(until(new, last.valid.from.unwrap_or(last.said_at)))
            }
            // Learned late: what is known was said after it.
            _ => {
                let since = target.said.valid.from.unwrap_or(target.said.said_at);
                StatementChange::Add(until(new, since))
            }
        }
    }
}

/// Why a fact may not displace a memory that it contradicts.
fn objection(target: &Statement, fact: &VerifiedFact) -> Option<String> {
    let known = &target.said;
    if known.pinned {
        return Some(format!("it contradicts {}, which is pinned", target.id));
    }
    (fact.trust < known.trust).then(|| {
        format!(
            "it contradicts {}, whose source ({}) is more trusted than its own ({})",
            target.id,
            known.trust.as_str(),
            fact.trust.as_str()
        )
    })
}

fn completes(target: &Statement, fact: &VerifiedFact) -> bool {
    objection(target, fact).is_none() && support(&target.said.text, &fact.text, "") >= KEPT_MIN
}

fn verdict(fact: &VerifiedFact) -> Option<String> {
    match safety::judge(&fact.text, fact.trust, fact.kind) {
        Verdict::Fine => None,
        Verdict::Quarantine(reason) => Some(reason),
    }
}

fn new_statement(fact: &VerifiedFact, learned_by: &str) -> NewStatement {
    NewStatement {
        text: fact.text.clone(),
        kind: fact.kind,
        subject: fact.subject.clone(),
        confidence: fact.confidence,
        trust: fact.trust,
        state: verdict(fact).map_or(MemoryState::Active, MemoryState::Quarantined),
        valid: fact.valid,
        said_at: fact.said_at,
        expires_at: None,
        pinned: false,
        source: SOURCE.to_owned(),
        learned_by: Some(learned_by.to_owned()),
        sources: fact.sources.clone(),
        metadata: serde_json::Map::new(),
    }
}

fn until(mut new: NewStatement, end: Timestamp) -> NewStatement {
    let begins_before = new.valid.from.is_none_or(|from| from < end);
    if begins_before && new.valid.to.is_none_or(|to| to > end) {
        new.valid.to = Some(end);
    }
    new
}

/// The turns of a fact that a memory does not rest on yet.
fn added(known: &Statement, fact: &VerifiedFact) -> Vec<SourceQuote> {
    let is_new = |source: &&SourceQuote| {
        known.said.sources.iter().all(|rests_on| rests_on.episode != source.episode)
    };
    fact.sources.iter().filter(is_new).cloned().collect()
}

/// A memory that was said again: more turns, and the trust of the best of its witnesses. `None`
/// when the turns are known, or when the memory is quarantined: repetition must not free it.
fn with_evidence(known: &Statement, fact: &VerifiedFact) -> Option<StatementChange> {
    let sources = added(known, fact);
    if sources.is_empty() || known.said.state != MemoryState::Active {
        return None;
    }
    let mut statement = known.said.clone();
    statement.trust = statement.trust.max(fact.trust);
    statement.confidence = statement.confidence.max(fact.confidence);
    statement.said_at = statement.said_at.max(fact.said_at);
    Some(StatementChange::Merge { id: known.id.clone(), statement, sources })
}

/// The next version of a memory: the fuller text, on the old turns and the new.
fn completed(known: &Statement, fact: &VerifiedFact, new: NewStatement) -> StatementChange {
    let old = &known.said;
    let statement = NewStatement {
        subject: new.subject.or_else(|| old.subject.clone()),
        trust: old.trust.min(new.trust),
        valid: Validity {
            from: new.valid.from.or(old.valid.from),
            to: new.valid.to.or(old.valid.to),
        },
        expires_at: old.expires_at,
        source: old.source.clone(),
        sources: old.sources.clone(),
        metadata: old.metadata.clone(),
        ..new
    };
    StatementChange::Merge { id: known.id.clone(), statement, sources: added(known, fact) }
}
