//! Verification: of what a model stated, only that is kept which the cited turns say.
//!
//! Models restate their instructions, repeat what they were shown as known, cite turns that do not
//! exist and quote words that nobody said; this is where such facts end. What remains has the trust
//! of its least trusted turn, and if its words are mostly not the turns' own, that of a model.

use std::collections::HashSet;

use backstay_core::{
    MemoryId, Timestamp,
    memory::{Confidence, MemoryKind, SourceQuote, Trust, Validity},
};

use super::{
    contract::{LearnedFact, LearningReply, Operation},
    dates,
    normal::{contains, normal, support},
    prompt,
    rejection::Rejection,
    segment::{Segment, Turn},
};
use crate::safety::{self, Verdict};

/// A quote's letters and digits in UTF-8: two short words, or three characters of a script without
/// spaces. Less is in every text. A turn that is shorter is quoted whole.
const QUOTE_BYTES_MIN: usize = 8;
/// Of a cited turn that is not the quoted one, this much is kept as what the fact rests on.
const EXCERPT_CHARS_MAX: usize = 200;
/// With fewer of its content words in the cited turns, a fact is a conclusion and not a report.
const REPORT_SUPPORT_MIN: f64 = 0.5;
/// What speakers are called in facts though not in what they say.
const ROLE_WORDS: &str = "user assistant";

/// A fact that the turns bear out.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedFact {
    pub text: String,
    pub kind: MemoryKind,
    pub subject: Option<String>,
    pub confidence: Confidence,
    /// The least of the cited turns.
    pub trust: Trust,
    pub valid: Validity,
    /// When the quoted turn was said.
    pub said_at: Timestamp,
    /// Every cited turn, in the order of the conversation.
    pub sources: Vec<SourceQuote>,
    pub relation: Relation,
}

/// How a fact stands to what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    New,
    /// It says the same.
    Repeats(MemoryId),
    /// It completes what stays true.
    Completes(MemoryId),
    Contradicts(MemoryId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub text: String,
    pub why: Rejection,
}

/// A reply after verification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    pub facts: Vec<VerifiedFact>,
    pub rejected: Vec<Rejected>,
    /// The thread's running summary after the segment; `None` when the reply had none that can be
    /// kept.
    pub summary: Option<String>,
}

/// Keeps what the segment's turns bear out. `instructions` are the operator's own that the request
/// held.
pub fn verify(reply: &LearningReply, segment: &Segment, instructions: Option<&str>) -> Verified {
    let check = Check::new(segment, instructions);
    let mut seen = HashSet::new();
    let mut verified = Verified { summary: check.summary(&reply.summary), ..Verified::default() };
    for fact in &reply.facts {
        let checked = check.fact(fact).and_then(|checked| {
            if seen.insert(normal(&fact.text)) { Ok(checked) } else { Err(Rejection::Duplicate) }
        });
        match checked {
            Ok(fact) => verified.facts.push(fact),
            Err(why) => verified.rejected.push(Rejected { text: fact.text.clone(), why }),
        }
    }
    verified
}

struct Check<'a> {
    segment: &'a Segment,
    /// The rules and the operator's instructions as they are compared.
    prompt: String,
    /// Turns by their number, as they are compared.
    texts: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(segment: &'a Segment, instructions: Option<&str>) -> Self {
        let prompt = format!("{}\n{}", prompt::RULES, instructions.unwrap_or_default());
        let texts = segment.turns.iter().map(|turn| normal(&turn.episode.text)).collect();
        Self { segment, prompt: normal(&prompt), texts }
    }

    fn fact(&self, fact: &LearnedFact) -> Result<VerifiedFact, Rejection> {
        let text = normal(&fact.text);
        if text.is_empty() {
            return Err(Rejection::Empty);
        }
        if contains(&self.prompt, &text) {
            return Err(Rejection::RestatesPrompt);
        }
        if let Some(what) = safety::holds_secret(&fact.text) {
            return Err(Rejection::HoldsSecret(what));
        }
        let cited = self.cited(fact)?;
        let quoted = self.quoted(fact)?;
        let said_at = quoted.episode.said_at;
        let (from, to) = (fact.from.as_deref(), fact.to.as_deref());
        let valid = dates::period(from, to, said_at).map_err(Rejection::ImpossibleDates)?;
        if !dates::agree(from, &fact.quote, said_at) {
            return Err(Rejection::DatesDiffer);
        }
        let relation = self.relation(fact);
        let trust = trust(fact, &cited).ok_or(Rejection::Unsupported)?;
        if trust < Trust::DirectUser && self.is_known(&text, &relation) {
            return Err(Rejection::EchoesKnown);
        }
        Ok(VerifiedFact {
            text: fact.text.clone(),
            kind: fact.kind,
            subject: fact.subject.clone(),
            confidence: fact.confidence,
            trust,
            valid,
            said_at,
            sources: cited.iter().map(|turn| source(turn, quoted, &fact.quote)).collect(),
            relation,
        })
    }

    fn cited(&self, fact: &LearnedFact) -> Result<Vec<&'a Turn>, Rejection> {
        let turn = |number: &u32| self.segment.turn(*number).ok_or(Rejection::UnknownTurn(*number));
        fact.turns.iter().map(turn).collect()
    }

    /// The first of the cited turns that contains the quote. An ellipsis in it may stand for words
    /// that were left out.
    fn quoted(&self, fact: &LearnedFact) -> Result<&'a Turn, Rejection> {
        let parts: Vec<String> =
            fact.quote.split("...").flat_map(|part| part.split('\u{2026}')).map(normal).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        let is_long = !parts.is_empty() && parts.iter().all(|part| part.len() >= QUOTE_BYTES_MIN);
        let mut is_whole = false;
        for number in &fact.turns {
            let Some((text, turn)) = self.text(*number) else { continue };
            let found = parts.iter().all(|part| contains(text, part));
            is_whole |= parts == [text];
            if found && (is_long || is_whole) {
                return Ok(turn);
            }
        }
        Err(if is_long { Rejection::QuoteNotFound } else { Rejection::QuoteTooShort })
    }

    fn text(&self, number: u32) -> Option<(&str, &'a Turn)> {
        let turn = self.segment.turn(number)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some((self.texts.get(index)?, turn))
    }

    /// A target that does not exist makes the fact a new one.
    fn relation(&self, fact: &LearnedFact) -> Relation {
        let target = fact.target.and_then(|number| self.segment.known(number));
        match (fact.operation, target) {
            (Operation::None, Some(known)) => Relation::Repeats(known.id.clone()),
            (Operation::Update, Some(known)) => Relation::Completes(known.id.clone()),
            (Operation::Contradict, Some(known)) => Relation::Contradicts(known.id.clone()),
            (Operation::Add, _) | (_, None) => Relation::New,
        }
    }

    fn is_known(&self, text: &str, relation: &Relation) -> bool {
        let says_it = |known: &str| contains(known, text) || contains(text, known);
        matches!(relation, Relation::Repeats(_))
            || self.segment.known.iter().any(|known| says_it(&normal(&known.said.text)))
    }

    fn summary(&self, summary: &str) -> Option<String> {
        let compared = normal(summary);
        let is_unfit = contains(&self.prompt, &compared) || safety::holds_secret(summary).is_some();
        if compared.is_empty() || is_unfit {
            return None;
        }
        match safety::judge(summary, self.segment.trust(), MemoryKind::Fact) {
            Verdict::Fine => Some(summary.to_owned()),
            Verdict::Quarantine(_) => None,
        }
    }
}

/// The least of the cited turns'; at most a model's when the fact's words are mostly not theirs.
/// `None` when none of them is. Names of speakers and of the subject say nothing either way.
fn trust(fact: &LearnedFact, cited: &[&Turn]) -> Option<Trust> {
    let mut said = String::new();
    let mut names = format!("{ROLE_WORDS} {}", fact.subject.as_deref().unwrap_or_default());
    for turn in cited {
        for (all, text) in [(&mut said, &turn.episode.text), (&mut names, &turn.episode.author)] {
            all.push(' ');
            all.push_str(text);
        }
    }
    let least = cited.iter().map(|turn| turn.trust).min()?;
    let support = support(&fact.text, &said, &names);
    let is_report = support >= REPORT_SUPPORT_MIN;
    (support > 0.0).then(|| if is_report { least } else { least.min(Trust::ModelInference) })
}

fn source(turn: &Turn, quoted: &Turn, quote: &str) -> SourceQuote {
    let quote = if turn.episode.id == quoted.episode.id {
        quote.to_owned()
    } else {
        turn.episode.text.chars().take(EXCERPT_CHARS_MAX).collect()
    };
    SourceQuote { episode: turn.episode.id.clone(), quote }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::samples::{known, said_at, turn};

    fn segment() -> Segment {
        Segment {
            turns: vec![
                turn(0, "Ana", "I moved to Lisbon yesterday, and I have a dog called Bruno."),
                turn(1, "assistant", "You live in Porto. Shall I note Lisbon?"),
                turn(2, "Ana", "Yes."),
            ],
            known: vec![known("mem_1", "Ana lives in Porto.")],
            summary: String::new(),
        }
    }

    fn fact(text: &str, turns: &[u32], quote: &str) -> LearnedFact {
        LearnedFact {
            text: text.to_owned(),
            kind: MemoryKind::Fact,
            subject: Some("Ana".to_owned()),
            turns: turns.to_vec(),
            quote: quote.to_owned(),
            from: None,
            to: None,
            confidence: Confidence::CERTAIN,
            operation: Operation::Add,
            target: None,
        }
    }

    fn checked(fact: LearnedFact) -> Result<VerifiedFact, Rejection> {
        let reply = LearningReply { facts: vec![fact], summary: String::new() };
        let mut verified = verify(&reply, &segment(), Some("Only places where people live."));
        match verified.rejected.pop() {
            Some(rejected) => Err(rejected.why),
            None => Ok(verified.facts.remove(0)),
        }
    }

    #[test]
    fn a_quoted_fact_has_its_turns_as_sources_and_the_least_trust_of_them() {
        let dog = checked(fact("Ana has a dog called Bruno.", &[1], "i have a DOG\ncalled Bruno"));
        let dog = dog.unwrap();
        assert_eq!(dog.trust, Trust::DirectUser);
        assert_eq!(dog.said_at, said_at());
        assert_eq!(dog.sources[0].episode.as_str(), "ep_0");
        let both = fact("Ana moved to Lisbon.", &[1, 2], "I moved to \u{2026} a dog called Bruno");
        let both = checked(both).unwrap();
        assert_eq!(both.trust, Trust::ModelInference);
        assert_eq!(both.sources[1].quote, "You live in Porto. Shall I note Lisbon?");
        assert!(checked(fact("Ana said yes.", &[3], "yes")).is_ok(), "a short turn quoted whole");
    }

    #[test]
    fn what_the_turns_do_not_say_is_refused_with_the_reason() {
        for (fact, why) in [
            (fact("Ana has a cat.", &[1], "I have a cat called Bruno"), Rejection::QuoteNotFound),
            (fact("Ana has a dog.", &[2], "I have a dog called Bruno"), Rejection::QuoteNotFound),
            (fact("Ana has a dog.", &[1, 9], "I have a dog"), Rejection::UnknownTurn(9)),
            (fact("Ana has a dog.", &[0], "I have a dog"), Rejection::UnknownTurn(0)),
            (fact("Ana has a dog.", &[1], "dog"), Rejection::QuoteTooShort),
            (fact("Ana has a dog.", &[1], "... \u{2026} !"), Rejection::QuoteTooShort),
            (fact("!?", &[1], "I have a dog"), Rejection::Empty),
            (fact("One fact, one short sentence", &[1], "I have a dog"), Rejection::RestatesPrompt),
            (
                fact("Only places where people live", &[1], "I have a dog"),
                Rejection::RestatesPrompt,
            ),
            (fact("Ana lives in Porto", &[2], "You live in Porto"), Rejection::EchoesKnown),
        ] {
            assert_eq!(checked(fact.clone()), Err(why), "{fact:?}");
        }
    }

    #[test]
    fn what_the_user_says_again_is_evidence_though_it_is_known() {
        let mut again = fact("Ana moved to Lisbon.", &[1], "I moved to Lisbon");
        again.operation = Operation::None;
        again.target = Some(1);
        let relation = checked(again.clone()).unwrap().relation;
        assert_eq!(relation, Relation::Repeats(MemoryId::parse("mem_1").unwrap()));
        again.target = Some(7);
        assert_eq!(checked(again).unwrap().relation, Relation::New);
    }

    #[test]
    fn a_conclusion_is_a_models_even_when_it_quotes_the_user() {
        let conclusion = fact("Ana emigrated south because of Bruno.", &[1], "I moved to Lisbon");
        assert_eq!(checked(conclusion).unwrap().trust, Trust::ModelInference);
        let invented = fact("The user is an administrator.", &[1], "I moved to Lisbon");
        assert_eq!(checked(invented), Err(Rejection::Unsupported));
    }

    #[test]
    fn relative_dates_count_from_the_turn_and_not_from_today() {
        let mut moved = fact("Ana moved to Lisbon.", &[1], "I moved to Lisbon yesterday");
        for from in ["2025-03-08", "2025-03", "2025"] {
            moved.from = Some(from.to_owned());
            assert!(checked(moved.clone()).is_ok(), "{from}");
        }
        moved.from = Some("2026-11-22".to_owned());
        assert_eq!(checked(moved.clone()), Err(Rejection::DatesDiffer));
        moved.from = Some("2025-02-30".to_owned());
        assert!(matches!(checked(moved), Err(Rejection::ImpossibleDates(_))));
    }

    #[test]
    fn a_secret_that_slipped_out_is_not_learned() {
        let key = format!("sk-proj-{}", "a1B2c3D4".repeat(5));
        let says = format!("I moved to Lisbon yesterday, and my key is {key}.");
        let segment = Segment { turns: vec![turn(0, "Ana", &says)], ..Segment::default() };
        let leaked = fact(&format!("Ana's key is {key}."), &[1], "my key is");
        let moved = fact("Ana moved to Lisbon.", &[1], "I moved to Lisbon");
        let summary = format!("Ana moved; her key is {key}.");
        let reply = LearningReply { facts: vec![leaked, moved], summary };
        let verified = verify(&reply, &segment, None);
        assert_eq!(verified.facts.len(), 1);
        assert!(matches!(verified.rejected[0].why, Rejection::HoldsSecret(_)));
        assert_eq!(verified.summary, None);
    }

    #[test]
    fn a_fact_stated_twice_counts_once() {
        let dog = fact("Ana has a dog.", &[1], "I have a dog");
        let twice = fact("ana has a dog", &[1], "I have a dog");
        let reply = LearningReply { facts: vec![dog, twice], summary: "Ana has a dog.".to_owned() };
        let verified = verify(&reply, &segment(), None);
        assert_eq!(verified.facts.len(), 1);
        assert_eq!(verified.rejected[0].why, Rejection::Duplicate);
        assert_eq!(verified.summary.as_deref(), Some("Ana has a dog."));
    }
}
