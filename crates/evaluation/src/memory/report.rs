//! The figures of a run. Serialised, this is the JSON that `backstay bench memory --json` prints; its
//! members are described in `bench/memory/README.md`, and others parse them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{answers::Answers, dataset::Format};

/// A share, written in per cent with one decimal.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl Percent {
    /// Per cent, rounded as it is written.
    pub fn rounded(self) -> f64 {
        (self.0 * 1_000.0).round() / 10.0
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.rounded())
    }
}

/// A time, written in milliseconds with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Milliseconds(pub f64);

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((self.0 * 100.0).round() / 100.0)
    }
}

/// The lower and the upper end, written as a list of two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval(pub Percent, pub Percent);

/// By a rank or a budget, or by a kind of question.
pub(crate) type By<K, V> = BTreeMap<K, V>;

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub dataset: Format,
    /// All that were asked.
    pub questions: usize,
    /// Backstay's own first.
    pub methods: Vec<Method>,
    /// Baselines that could not be run, and why.
    pub absent: Vec<Absent>,
    pub conversations: usize,
    pub episodes: usize,
    /// What recall is a mean of.
    pub questions_with_evidence: usize,
    /// How many questions with evidence are of which kind.
    pub kinds: By<String, usize>,
    /// `auto`, or what was asked for.
    pub profile: &'static str,
    pub embeddings: VectorsUsed,
    /// The whole store on disk, with words, vectors and its own tables.
    pub bytes_per_episode: u64,
    pub abstention: Abstention,
    pub bootstrap: Bootstrap,
    /// Only when a model was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// One way to find turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method {
    pub name: &'static str,
    /// The mean share of a question's evidence among the first so many turns.
    pub recall: By<usize, Percent>,
    pub ndcg10: Percent,
    /// Recall among the first 10 turns, by kind of question.
    pub by_kind: By<String, Percent>,
    /// The mean share of a question's evidence that fits so many tokens.
    pub evidence_at_tokens: By<u64, Percent>,
    /// How often one of the first five sessions holds evidence.
    pub session_any_hit5: Percent,
    /// One recall, without the embedding of its question.
    pub ms_p50: Milliseconds,
    pub ms_p95: Milliseconds,
    /// What goes into the prompt at a budget of 1,000 tokens.
    pub tokens_injected: Tokens,
    pub intervals: Intervals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tokens {
    pub mean: u64,
    pub p95: u64,
}

/// Of the same figures; `None` where a single question says nothing about others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Intervals {
    pub recall: By<usize, Option<Interval>>,
    pub ndcg10: Option<Interval>,
    pub by_kind: By<String, Option<Interval>>,
    pub evidence_at_tokens: By<u64, Option<Interval>>,
    pub session_any_hit5: Option<Interval>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Absent {
    pub name: &'static str,
    pub reason: String,
}

/// Which embedding model took part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VectorsUsed {
    /// `None` when recall went by words and structure alone.
    pub model: Option<String>,
    pub revision: Option<String>,
    /// Of one question.
    pub query: Option<QueryEmbedding>,
    pub ingest_ms_per_episode: Option<Milliseconds>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QueryEmbedding {
    pub ms_p50: Milliseconds,
    pub ms_p95: Milliseconds,
}

/// How often Backstay says that nothing it remembers bears on a question. `None` where there are no
/// such questions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Abstention {
    /// Of answerable questions: wrong.
    pub answerable_refused: Option<Percent>,
    /// Of questions that the data set calls unanswerable: right.
    pub unanswerable_refused: Option<Percent>,
    /// Of questions that were put to the memory of another conversation: right.
    pub foreign_refused: Option<Percent>,
    /// Of what was refused of a question's own conversation, the share that is unanswerable.
    pub precision: Option<Percent>,
    /// The same, with the questions that were put to another conversation.
    pub precision_with_foreign: Option<Percent>,
}

/// How the intervals come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bootstrap {
    pub resamples: usize,
    pub seed: u64,
    pub confidence_percent: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_one_decimal_and_intervals_are_pairs() {
        assert_eq!(json(&Percent(0.86449)), "86.4");
        assert_eq!(json(&Percent(1.0)), "100.0");
        assert_eq!(json(&Milliseconds(1.2345)), "1.23");
        assert_eq!(json(&Interval(Percent(0.1), Percent(0.25))), "[10.0,25.0]");
    }

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }
}
