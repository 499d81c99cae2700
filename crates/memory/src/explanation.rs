//! Why something was recalled, and why something else was not.

use std::collections::{HashMap, HashSet};

use backstay_core::memory::{RecallFilter, Recalled, RecalledId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Evidence, Profile, RecallMode,
    analyse::Query,
    index::ScopeIndex,
    pack::{LeftOut, Packed},
    recall::{self, Feature, Ranked, Ranking},
};

/// One question, and what recall made of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Explanation {
    pub reading: Reading,
    /// Which weights ranked.
    pub profile: Profile,
    pub mode: RecallMode,
    /// False when the scope holds nothing that bears on the question: nothing is recalled then.
    pub relevant: bool,
    pub evidence: Evidence,
    /// Best first, recalled or not.
    pub items: Vec<Explained>,
    /// What was asked about and is not among the items.
    pub missing: Vec<Missing>,
}

/// How a question was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reading {
    /// `when`, `how_many`, `who_or_where`, `request` (standing wishes apply to it), `denial`, `whole`
    /// (a summary, an order of events, or all that was said in a time); none for a plain question.
    pub kinds: Vec<&'static str>,
    /// Those who speak in this memory and are named, by whatever name.
    pub speakers: Vec<String>,
    /// The times that it names, in days: reckoned from when it is asked, or from when something was
    /// said.
    pub times: Vec<String>,
    /// It asks for one of these times and nothing else, so that nothing else is recalled.
    pub time_alone: bool,
}

/// One turn or statement, what speaks for it, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Explained {
    #[serde(flatten)]
    pub item: Recalled,
    /// From 1, the best.
    pub rank: usize,
    /// Cosine of its vector and the question's; `None` where either is missing.
    pub cosine: Option<f32>,
    pub outcome: Outcome,
    /// What was added up to rank it, largest first. Parts that add nothing are left out.
    pub parts: Vec<Part>,
}

/// One thing that speaks for an item, or against it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Part {
    pub feature: &'static str,
    /// About 0 to 1.
    pub value: f32,
    pub weight: f32,
    /// Value times weight.
    pub adds: f32,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Recalled,
    /// Nothing in the scope bears on the question.
    NothingRelevant,
    /// The same was said in an item that was recalled.
    SaidAlready,
    /// Its source, a document, a tool or a third party, has as many places as one source may have.
    SourceFull,
    /// It did not fit into the token budget beside better ones.
    BudgetFull,
}

/// Something that was not ranked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    #[schema(value_type = String)]
    pub id: RecalledId,
    pub reason: MissingReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingReason {
    /// There is nothing of this name: it never was, or its time is over.
    Unknown,
    /// A person had it forgotten.
    Forgotten,
    /// It belongs to another assistant or user.
    OtherScope,
    /// It is kept aside, because it directs the assistant, claims rights or hides something.
    Quarantined,
    /// It was taken back, or another statement took its place before it was ever recalled.
    Retracted,
    /// The filter does not let it through.
    FilteredOut,
    /// The question asks for another time and for nothing else.
    OtherTime,
    /// It shares no word with the question, nor do the turns around it, and its meaning is far.
    NoEvidence,
}

/// The part of pinning and of fading, which are no features of a text.
const WISH: &str = "pinned_or_faded";

impl Explanation {
    pub(crate) fn of(
        index: &ScopeIndex,
        query: &Query,
        ranking: &Ranking,
        packed: &Packed,
        filter: &RecallFilter,
        asked: &[RecalledId],
        limit: usize,
    ) -> Self {
        let recalled: HashSet<&RecalledId> = packed.items.iter().map(|item| &item.id).collect();
        let left_out: HashMap<u32, LeftOut> = packed.left_out.iter().copied().collect();
        let outcome = |ranked: &Ranked| {
            if recalled.contains(&index.turn(ranked.turn).id) {
                return Outcome::Recalled;
            }
            match left_out.get(&ranked.turn) {
                _ if !ranking.relevant => Outcome::NothingRelevant,
                Some(LeftOut::SaidAlready) => Outcome::SaidAlready,
                Some(LeftOut::SourceFull) => Outcome::SourceFull,
                Some(LeftOut::Budget) | None => Outcome::BudgetFull,
            }
        };
        let is_asked = |ranked: &Ranked| asked.contains(&index.turn(ranked.turn).id);
        let numbered = (1..).zip(&ranking.turns);
        let items = numbered
            .filter(|(rank, ranked)| *rank <= limit || is_asked(ranked))
            .map(|(rank, ranked)| Explained {
                item: ranking.recalled(index, query, ranked),
                rank,
                cosine: ranked.cosine,
                outcome: outcome(ranked),
                parts: parts(ranking, ranked),
            })
            .collect();
        let is_ranked =
            |id: &RecalledId| ranking.turns.iter().any(|ranked| index.turn(ranked.turn).id == *id);
        let missing = asked.iter().filter(|id| !is_ranked(id)).map(|id| Missing {
            id: id.clone(),
            reason: match index.number(id) {
                Some(number) if !index.passes(number, filter) => MissingReason::FilteredOut,
                Some(number)
                    if query.asks_time_alone && !recall::is_of_asked_time(query, index, number) =>
                {
                    MissingReason::OtherTime
                }
                Some(_) => MissingReason::NoEvidence,
                None => MissingReason::Unknown,
            },
        });
        Self {
            reading: Reading {
                kinds: query.kind.names(),
                speakers: recall::speakers(query, index).into_iter().map(str::to_owned).collect(),
                times: query.dates.iter().map(ToString::to_string).collect(),
                time_alone: query.asks_time_alone,
            },
            profile: ranking.profile,
            mode: ranking.mode,
            relevant: ranking.relevant,
            evidence: ranking.evidence,
            items,
            missing: missing.collect(),
        }
    }
}

fn parts(ranking: &Ranking, ranked: &Ranked) -> Vec<Part> {
    let weights = ranking.weights();
    let part = |feature: Feature| {
        let (value, weight) = (ranked.features.get(feature), weights.get(feature));
        Part { feature: feature.name(), value, weight, adds: value * weight }
    };
    let wish = Part { feature: WISH, value: ranked.wish, weight: 1.0, adds: ranked.wish };
    let all = Feature::ALL.into_iter().map(part).chain([wish]);
    let mut parts: Vec<Part> = all.filter(|part| part.value != 0.0).collect();
    parts.sort_by(|left, right| right.adds.abs().total_cmp(&left.adds.abs()));
    parts
}
