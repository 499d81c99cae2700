//! From outcomes to a report.

use backstay_core::{Error, Result};
use backstay_memory::{Embedder, Profile};

use super::{
    answers::Answers,
    ask::{Answered, RRF, VECTORS},
    bootstrap,
    dataset::{Dataset, Question},
    embedding::Spent,
    metrics::{mean, milliseconds, ndcg_at, percentile, recall_at},
    outcome::{BUDGETS_TOKENS, Found, Outcome},
    report::{
        Absent, Abstention, Bootstrap, By, Interval, Intervals, Method, Milliseconds, Percent,
        QueryEmbedding, Report, Tokens, VectorsUsed,
    },
};

const RANKS: [usize; 4] = [5, 10, 20, 50];
/// The rank at which kinds of questions are compared, and NDCG is taken.
const RANK: usize = 10;
const SESSIONS: usize = 5;

/// Everything that a run leaves behind.
pub(crate) struct Measured<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) profile: Option<Profile>,
    pub(crate) methods: &'static [&'static str],
    /// In the order of the data set's questions.
    pub(crate) answered: Vec<Answered>,
    pub(crate) answers: Option<Answers>,
    pub(crate) embedder: Option<&'a Embedder>,
    pub(crate) without_vectors: Option<String>,
    pub(crate) ingestion: Spent,
    pub(crate) asking: Spent,
    pub(crate) store_bytes: u64,
}

pub(crate) fn report(measured: Measured<'_>) -> Result<Report> {
    let dataset = measured.dataset;
    let questions: Vec<&Question> =
        dataset.conversations.iter().flat_map(|conversation| &conversation.questions).collect();
    if questions.len() != measured.answered.len() {
        return Err(Error::internal("not every question was answered"));
    }
    let methods = measured.methods.iter().enumerate().map(|(place, name)| {
        let outcomes = measured.answered.iter().filter_map(|one| one.outcomes.get(place));
        method(name, &questions, &outcomes.collect::<Vec<_>>())
    });
    let methods = methods.collect::<Result<Vec<_>>>()?;
    let mut kinds = By::<String, usize>::new();
    for question in questions.iter().filter(|question| !question.evidence.is_empty()) {
        *kinds.entry(question.kind.clone()).or_default() += 1;
    }
    let absent = measured
        .without_vectors
        .iter()
        .flat_map(|reason| [VECTORS, RRF].map(|name| Absent { name, reason: reason.clone() }));
    let episodes = dataset.episodes();
    Ok(Report {
        dataset: dataset.format,
        questions: questions.len(),
        methods,
        absent: absent.collect(),
        conversations: dataset.conversations.len(),
        episodes,
        questions_with_evidence: kinds.values().sum(),
        kinds,
        profile: profile_name(measured.profile),
        embeddings: embeddings(&measured),
        bytes_per_episode: measured.store_bytes / episodes.max(1) as u64,
        abstention: abstention(&questions, &measured.answered),
        bootstrap: Bootstrap {
            resamples: bootstrap::RESAMPLES,
            seed: bootstrap::SEED,
            confidence_percent: bootstrap::CONFIDENCE,
        },
        answers: measured.answers,
    })
}

fn profile_name(profile: Option<Profile>) -> &'static str {
    match profile {
        None => "auto",
        Some(Profile::Dialogue) => "dialogue",
        Some(Profile::Assistant) => "assistant",
        Some(Profile::Safe) => "safe",
        Some(Profile::Document) => "document",
    }
}

/// A mean with its interval.
struct Figure {
    mean: Percent,
    interval: Option<Interval>,
}

fn figure(values: &[f64]) -> Result<Figure> {
    let interval = bootstrap::interval(values)?;
    let interval = interval.map(|(lower, upper)| Interval(Percent(lower), Percent(upper)));
    Ok(Figure { mean: Percent(mean(values)), interval })
}

type Split<K> = (By<K, Percent>, By<K, Option<Interval>>);

/// Figures by key, taken apart into means and intervals.
fn split<K: Ord + Clone>(
    figures: impl IntoIterator<Item = (K, Result<Figure>)>,
) -> Result<Split<K>> {
    let (mut means, mut intervals) = (By::new(), By::new());
    for (key, figure) in figures {
        let figure = figure?;
        means.insert(key.clone(), figure.mean);
        intervals.insert(key, figure.interval);
    }
    Ok((means, intervals))
}

fn method(name: &'static str, questions: &[&Question], outcomes: &[&Outcome]) -> Result<Method> {
    let found: Vec<(&str, &Found)> = questions
        .iter()
        .zip(outcomes)
        .filter_map(|(question, outcome)| Some((question.kind.as_str(), outcome.found.as_ref()?)))
        .collect();
    let over = |value: &dyn Fn(&Found) -> f64| {
        figure(&found.iter().map(|(_, found)| value(found)).collect::<Vec<_>>())
    };
    let (recall, recall_intervals) =
        split(RANKS.map(|rank| (rank, over(&|found| recall_at(&found.places, rank)))))?;
    let budgets = BUDGETS_TOKENS.into_iter().enumerate();
    let (evidence_at_tokens, token_intervals) =
        split(budgets.map(|(place, budget)| (budget, over(&|found| found.packed[place]))))?;
    let mut by_kind = By::<String, Vec<f64>>::new();
    for (kind, found) in &found {
        by_kind.entry((*kind).to_owned()).or_default().push(recall_at(&found.places, RANK));
    }
    let (by_kind, kind_intervals) =
        split(by_kind.into_iter().map(|(kind, values)| (kind, figure(&values))))?;
    let ndcg = over(&|found| ndcg_at(&found.places, RANK))?;
    let session = over(&|found| {
        f64::from(u8::from(found.session_place.is_some_and(|place| place < SESSIONS)))
    })?;
    let times: Vec<f64> = outcomes.iter().map(|outcome| milliseconds(outcome.time)).collect();
    let tokens: Vec<u64> = outcomes.iter().map(|outcome| outcome.tokens).collect();
    Ok(Method {
        name,
        recall,
        ndcg10: ndcg.mean,
        by_kind,
        evidence_at_tokens,
        session_any_hit5: session.mean,
        ms_p50: time_at(&times, 50),
        ms_p95: time_at(&times, 95),
        tokens_injected: Tokens {
            mean: tokens.iter().sum::<u64>() / tokens.len().max(1) as u64,
            p95: percentile(&tokens, 95).unwrap_or_default(),
        },
        intervals: Intervals {
            recall: recall_intervals,
            ndcg10: ndcg.interval,
            by_kind: kind_intervals,
            evidence_at_tokens: token_intervals,
            session_any_hit5: session.interval,
        },
    })
}

fn time_at(times: &[f64], percent: usize) -> Milliseconds {
    Milliseconds(percentile(times, percent).unwrap_or_default())
}

fn embeddings(measured: &Measured<'_>) -> VectorsUsed {
    let Some(identity) = measured.embedder.map(Embedder::identity) else {
        return VectorsUsed {
            model: None,
            revision: None,
            query: None,
            ingest_ms_per_episode: None,
        };
    };
    let times: Vec<f64> = measured.asking.calls.iter().copied().map(milliseconds).collect();
    let ingestion = &measured.ingestion;
    let total: f64 = ingestion.calls.iter().copied().map(milliseconds).sum();
    VectorsUsed {
        model: Some(identity.name.clone()),
        revision: Some(identity.revision.clone()),
        query: (!times.is_empty())
            .then(|| QueryEmbedding { ms_p50: time_at(&times, 50), ms_p95: time_at(&times, 95) }),
        ingest_ms_per_episode: (ingestion.texts > 0)
            .then(|| Milliseconds(total / measured.dataset.episodes().max(1) as f64)),
    }
}

/// Refused of how many.
#[derive(Clone, Copy, Default)]
struct Count {
    refused: usize,
    asked: usize,
}

impl Count {
    fn add(&mut self, refused: bool) {
        self.refused += usize::from(refused);
        self.asked += 1;
    }

    fn share(self) -> Option<Percent> {
        share(self.refused, self.asked)
    }
}

fn share(part: usize, whole: usize) -> Option<Percent> {
    (whole > 0).then(|| Percent(part as f64 / whole as f64))
}

fn abstention(questions: &[&Question], answered: &[Answered]) -> Abstention {
    let [mut answerable, mut unanswerable, mut foreign] = [Count::default(); 3];
    for (question, answered) in questions.iter().zip(answered) {
        let own = if question.unanswerable { &mut unanswerable } else { &mut answerable };
        own.add(answered.refusal.own);
        if let Some(refused) = answered.refusal.foreign {
            foreign.add(refused);
        }
    }
    let right = unanswerable.refused;
    let right_with_foreign = right + foreign.refused;
    Abstention {
        answerable_refused: answerable.share(),
        unanswerable_refused: unanswerable.share(),
        foreign_refused: foreign.share(),
        precision: share(right, right + answerable.refused),
        precision_with_foreign: share(right_with_foreign, right_with_foreign + answerable.refused),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use backstay_core::Timestamp;

    use super::*;
    use crate::memory::{dataset::Evidence, outcome::Refusal};

    fn question(kind: &str, unanswerable: bool, evidence: Vec<usize>) -> Question {
        Question {
            text: "?".to_owned(),
            kind: kind.to_owned(),
            evidence: Evidence::Turns(evidence),
            unanswerable,
            asked_at: Timestamp::default(),
            answer: None,
        }
    }

    fn outcome(places: Vec<Option<usize>>, packed: f64, milliseconds: u64) -> Outcome {
        let session_place = places.iter().flatten().min().map(|place| place / 2);
        let found = Found { places, session_place, packed: [0.0, 0.0, packed, 1.0] };
        let time = Duration::from_millis(milliseconds);
        Outcome { found: Some(found), tokens: 100 * milliseconds, time }
    }

    #[test]
    fn figures_are_means_over_questions_with_evidence() {
        let questions = [
            question("a", false, vec![0]),
            question("b", false, vec![0, 1]),
            question("b", true, vec![]),
        ];
        let none = Outcome { found: None, tokens: 300, time: Duration::from_millis(9) };
        let outcomes =
            [outcome(vec![Some(0)], 1.0, 1), outcome(vec![Some(7), Some(30)], 0.5, 2), none];
        let method = method(
            "x",
            &questions.iter().collect::<Vec<_>>(),
            &outcomes.iter().collect::<Vec<_>>(),
        )
        .unwrap();
        assert_eq!(method.recall[&5], Percent(0.5));
        assert_eq!(method.recall[&10], Percent(0.75));
        assert_eq!(method.recall[&50], Percent(1.0));
        assert_eq!((method.by_kind["a"], method.by_kind["b"]), (Percent(1.0), Percent(0.5)));
        assert_eq!(method.evidence_at_tokens[&1_000], Percent(0.75));
        assert_eq!(method.session_any_hit5, Percent(1.0));
        assert_eq!((method.ms_p50, method.ms_p95), (Milliseconds(2.0), Milliseconds(9.0)));
        assert_eq!(method.tokens_injected, Tokens { mean: 200, p95: 300 });
        assert_eq!(method.intervals.by_kind["a"], None, "one question says nothing of others");
        assert!(method.intervals.ndcg10.is_some());
    }

    #[test]
    fn a_refusal_is_right_when_nothing_was_said_and_wrong_when_it_was() {
        let questions = [
            question("a", false, vec![0]),
            question("a", false, vec![0]),
            question("a", true, vec![]),
            question("a", true, vec![]),
        ];
        let refusals = [(true, true), (false, true), (true, false), (false, true)];
        let answered: Vec<Answered> = refusals
            .into_iter()
            .map(|(own, foreign)| Answered {
                refusal: Refusal { own, foreign: Some(foreign) },
                outcomes: Vec::new(),
            })
            .collect();
        let counted = abstention(&questions.iter().collect::<Vec<_>>(), &answered);
        assert_eq!(counted.answerable_refused, Some(Percent(0.5)));
        assert_eq!(counted.unanswerable_refused, Some(Percent(0.5)));
        assert_eq!(counted.foreign_refused, Some(Percent(0.75)));
        assert_eq!(counted.precision, Some(Percent(0.5)));
        assert_eq!(counted.precision_with_foreign, Some(Percent(0.8)));
    }
}
