//! Which of the endpoints that may be used comes first.

use std::cmp::Ordering;

use backstay_core::{Money, Random, RoutingPreferences, SortBy};
use serde::Serialize;
use utoipa::ToSchema;

use super::{candidate::Candidate, cost, filter::position, needs::Needs};
use crate::health::{Health, Measure, Standing};

/// How the endpoints of a call were put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// As the operator's configuration has them.
    Route,
    /// As the request has them.
    Order,
    /// By the request's `sort`, or its model's variant.
    Price,
    Throughput,
    Latency,
    /// At random, cheaper ones more often: by the inverse square of what the call would cost, as
    /// OpenRouter documents its own default.
    PriceWeighted,
}

impl Strategy {
    pub(super) fn of(preferences: &RoutingPreferences, candidates: &[Candidate]) -> Self {
        if !preferences.order.is_empty() {
            return Self::Order;
        }
        let variant = candidates.iter().find_map(|candidate| candidate.variant.sort);
        match preferences.sort.map(|sort| sort.by).or(variant) {
            Some(SortBy::Price) => Self::Price,
            Some(SortBy::Throughput) => Self::Throughput,
            Some(SortBy::Latency) => Self::Latency,
            None if candidates.iter().any(|candidate| candidate.is_in_route) => Self::Route,
            None => Self::PriceWeighted,
        }
    }

    /// Whether a conversation stays where its cache is warm: not where the request has said which
    /// endpoint it wants, or that speed matters most.
    pub(super) fn keeps_conversations(self) -> bool {
        matches!(self, Self::Price | Self::PriceWeighted)
    }
}

/// A candidate with everything that its place depends on.
pub(super) struct Ranked {
    pub(super) candidate: Candidate,
    pub(super) standing: Standing,
    pub(super) expected_cost: Option<Money>,
    /// Whether it keeps to the throughput and latency that the request prefers.
    pub(super) is_as_fast_as_preferred: bool,
    /// Where `order` names it.
    named_at: usize,
    /// The lower, the earlier; what it means depends on the strategy.
    score: f64,
}

impl Ranked {
    /// Whether the request's `order` names it.
    pub(super) fn is_named(&self) -> bool {
        self.named_at != usize::MAX
    }
}

/// What candidates are put in order by.
pub(super) struct Order<'a> {
    pub(super) strategy: Strategy,
    pub(super) preferences: &'a RoutingPreferences,
    pub(super) needs: &'a Needs<'a>,
    pub(super) health: &'a Health,
    pub(super) random: &'a Random,
}

impl Order<'_> {
    /// The best first. Endpoints that rest come last and are not left out: when nothing else is left,
    /// asking them beats failing.
    pub(super) fn apply(&self, candidates: Vec<Candidate>) -> Vec<Ranked> {
        // A single endpoint has its place without any arithmetic.
        let is_choice = candidates.len() > 1;
        let mut ranked: Vec<Ranked> =
            candidates.into_iter().map(|candidate| self.ranked(candidate, is_choice)).collect();
        if is_choice {
            self.score(&mut ranked);
            ranked.sort_by(|a, b| self.compare(a, b));
        }
        ranked
    }

    fn ranked(&self, candidate: Candidate, is_choice: bool) -> Ranked {
        let endpoint = &candidate.endpoint;
        let name = endpoint.name();
        let preferences = self.preferences;
        let speeds = [
            (Measure::Throughput, &preferences.throughput_min),
            (Measure::FirstToken, &preferences.latency_max),
        ];
        Ranked {
            standing: self.health.standing(&name),
            expected_cost: is_choice.then(|| cost::expected(endpoint, self.needs, 0)).flatten(),
            is_as_fast_as_preferred: speeds
                .into_iter()
                .all(|(measure, bounds)| self.health.keeps_to(&name, measure, bounds)),
            named_at: position(endpoint, &preferences.order).unwrap_or(usize::MAX),
            score: 0.0,
            candidate,
        }
    }

    fn score(&self, ranked: &mut [Ranked]) {
        let costs = ranked.iter().filter_map(|one| one.expected_cost).map(picodollars);
        let cheapest = costs.filter(|cost| *cost > 0.0).fold(f64::INFINITY, f64::min);
        for (index, one) in ranked.iter_mut().enumerate() {
            let name = one.candidate.endpoint.name();
            let cost = one.expected_cost.map(picodollars);
            one.score = match self.strategy {
                Strategy::Route => index as f64,
                Strategy::Price => cost.unwrap_or(f64::INFINITY),
                Strategy::Latency => {
                    self.health.median(&name, Measure::FirstToken).unwrap_or(f64::INFINITY)
                }
                Strategy::Throughput => {
                    -self.health.median(&name, Measure::Throughput).unwrap_or(0.0)
                }
                Strategy::Order | Strategy::PriceWeighted => match cost {
                    Some(cost) if cost > 0.0 => lot((cheapest / cost).powi(2), self.random),
                    Some(_) => -1.0,
                    None => f64::INFINITY,
                },
            };
        }
    }

    fn compare(&self, a: &Ranked, b: &Ranked) -> Ordering {
        let is_across_models = self.preferences.sort.is_some_and(|sort| sort.across_models);
        let key = |one: &Ranked| {
            let model = if is_across_models { 0 } else { one.candidate.model_number };
            // Who passes calls on is paid by who runs the model: the direct way comes first, unless
            // the request or the operator says otherwise.
            let is_indirect = self.strategy == Strategy::PriceWeighted
                && one.candidate.endpoint.provider.is_aggregator;
            let rests = one.standing == Standing::Paused;
            (rests, !one.is_as_fast_as_preferred, model, one.named_at, is_indirect)
        };
        key(a).cmp(&key(b)).then(a.score.total_cmp(&b.score))
    }
}

fn picodollars(money: Money) -> f64 {
    money.picodollars() as f64
}

/// A draw in a lottery without replacement: sorted by it, the first is `w` times as likely to be one
/// of weight `w` as one of weight 1 (Efraimidis and Spirakis, "Weighted random sampling", 2006, in the
/// form of exponential waiting times).
fn lot(weight: f64, random: &Random) -> f64 {
    -(1.0 - random.fraction()).ln() / weight
}
