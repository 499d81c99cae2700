//! Which endpoints may serve a request, in which order, and why. Pure: nothing is called.

mod candidate;
mod cost;
mod filter;
mod needs;
mod order;
mod trace;

use backstay_core::{Error, ErrorCode, Random, Result, RoutingPolicy, chat::ChatRequest};

use self::{
    filter::Filters,
    needs::Needs,
    order::{Order, Ranked},
};
use crate::{
    Catalogue, Endpoint,
    affinity::{Affinity, ConversationKey, Warm},
    health::{Health, Standing},
};

use candidate::Candidate;
pub use filter::Removal;
pub use order::Strategy;
pub use trace::{AffinityTrace, CandidateTrace, RouterTrace};

/// Endpoints in the order in which they are tried.
pub struct Plan {
    pub endpoints: Vec<Endpoint>,
    /// Which of the request's models each of them serves: 0 for its own, then its fallbacks.
    model_numbers: Vec<usize>,
    pub conversation: Option<ConversationKey>,
    /// Only where the request asks for it.
    pub trace: Option<RouterTrace>,
}

impl Plan {
    /// Leaves out the endpoints that do not do, unless none of them does.
    pub fn prefer(&mut self, does: impl Fn(&Endpoint) -> bool) {
        let keep: Vec<bool> = self.endpoints.iter().map(does).collect();
        if !keep.contains(&true) || !keep.contains(&false) {
            return;
        }
        let mut kept = keep.iter().copied();
        self.endpoints.retain(|_| kept.next().unwrap_or(true));
        let mut kept = keep.iter().copied();
        self.model_numbers.retain(|_| kept.next().unwrap_or(true));
    }

    pub(crate) fn with_model_numbers(&self) -> impl Iterator<Item = (&Endpoint, usize)> {
        self.endpoints.iter().zip(self.model_numbers.iter().copied())
    }
}

/// What plans are made from.
pub struct Planner<'a> {
    pub catalogue: &'a Catalogue,
    pub health: &'a Health,
    pub(crate) affinity: &'a Affinity,
    pub random: &'a Random,
    /// Of the installation and of the caller's key. The request's preferences have been narrowed by
    /// them.
    pub policies: &'a [&'a RoutingPolicy],
}

impl Planner<'_> {
    /// # Errors
    /// `model_not_found` for names that nothing serves; `no_endpoints` when filters leave nothing,
    /// with each filter and what it removed; `permission_denied` when it was a policy alone.
    pub fn plan(
        &self,
        request: &ChatRequest,
        conversation: Option<ConversationKey>,
    ) -> Result<Plan> {
        let preferences = &request.routing;
        let found = candidate::find(self.catalogue, &request.model, preferences)?;
        let needs = Needs::of(request);
        let filters = Filters { preferences, policies: self.policies, needs: &needs };
        let mut kept = Vec::new();
        let mut removed = Vec::new();
        for candidate in found.all {
            match filters.against(&candidate) {
                None => kept.push(candidate),
                Some(removal) => removed.push((candidate, removal)),
            }
        }
        if kept.is_empty() {
            return Err(nothing_left(&request.model, &removed));
        }
        prefer_able(&mut kept, &mut removed, &needs);
        let strategy = Strategy::of(preferences, &kept);
        let order = Order {
            strategy,
            preferences,
            needs: &needs,
            health: self.health,
            random: self.random,
        };
        let mut ranked = order.apply(kept);
        let affinity = conversation
            .filter(|_| strategy.keeps_conversations() && ranked.len() > 1)
            .and_then(|key| self.affinity.warm(key))
            .map(|warm| stay(&warm, &mut ranked, &needs));
        if preferences.allow_fallbacks == Some(false) {
            let tried = match preferences.order.is_empty() {
                true => 1,
                false => ranked.iter().filter(|one| one.is_named()).count().max(1),
            };
            ranked.truncate(tried);
        }
        let trace = preferences.trace.then(|| {
            let requested = std::iter::once(&request.model).chain(&preferences.models);
            RouterTrace {
                requested: requested.cloned().collect(),
                unknown: found.unknown,
                strategy,
                candidates: self.candidates(&ranked, removed),
                affinity,
                passed_on: passed_on(&ranked, request),
                attempts: Vec::new(),
            }
        });
        let (endpoints, model_numbers) = ranked
            .into_iter()
            .map(|one| (one.candidate.endpoint, one.candidate.model_number))
            .unzip();
        Ok(Plan { endpoints, model_numbers, conversation, trace })
    }

    fn candidates(
        &self,
        ranked: &[Ranked],
        removed: Vec<(Candidate, Removal)>,
    ) -> Vec<CandidateTrace> {
        let tried = ranked.iter().enumerate().map(|(index, one)| CandidateTrace {
            place: Some(index + 1),
            expected_cost: one.expected_cost,
            is_slower_than_preferred: (!one.is_as_fast_as_preferred).then_some(true),
            ..self.described(&one.candidate)
        });
        let out = removed.into_iter().map(|(candidate, removal)| CandidateTrace {
            removed: Some(removal),
            ..self.described(&candidate)
        });
        tried.chain(out).collect()
    }

    fn described(&self, candidate: &Candidate) -> CandidateTrace {
        let endpoint = candidate.endpoint.name();
        CandidateTrace {
            requested: candidate.requested.clone(),
            place: None,
            removed: None,
            expected_cost: None,
            is_slower_than_preferred: None,
            health: self.health.report(&endpoint),
            endpoint,
        }
    }
}

/// Where some endpoints can give what was asked for and others cannot, only those that can are used;
/// where none can, the request goes all the same (OpenRouter's soft preference).
fn prefer_able(
    kept: &mut Vec<Candidate>,
    removed: &mut Vec<(Candidate, Removal)>,
    needs: &Needs<'_>,
) {
    for parameter in needs.essential() {
        let is_able = |candidate: &Candidate| candidate.endpoint.facts.supports(parameter);
        if kept.iter().any(is_able) {
            let unable = kept.extract_if(.., |candidate| !is_able(candidate));
            let reason = format!("it does not honour {parameter}, and others do");
            removed.extend(unable.map(|candidate| {
                (candidate, Removal { filter: "parameters", reason: reason.clone() })
            }));
        }
    }
}

/// Moves the endpoint whose cache is warm to the front, unless it is not well, or another is cheaper
/// even though it has to read the whole prompt.
fn stay(warm: &Warm, ranked: &mut Vec<Ranked>, needs: &Needs<'_>) -> AffinityTrace {
    let mut trace = AffinityTrace {
        endpoint: warm.endpoint.clone(),
        warm_tokens: warm.prompt_tokens,
        cost_of_leaving: None,
        is_kept: false,
        reason: "it is not among the endpoints that may serve this request",
    };
    let Some(at) = ranked.iter().position(|one| one.candidate.endpoint.name() == warm.endpoint)
    else {
        return trace;
    };
    let endpoint = &ranked[at].candidate.endpoint;
    trace.cost_of_leaving = endpoint.price().and_then(|price| cost::of_leaving(price, warm));
    if ranked[at].standing != Standing::Ready {
        trace.reason = "it is failing or rate limited";
        return trace;
    }
    let here = cost::expected(endpoint, needs, warm.prompt_tokens);
    let elsewhere = ranked
        .iter()
        .enumerate()
        .filter(|(index, one)| *index != at && one.standing == Standing::Ready)
        .filter_map(|(_, one)| one.expected_cost)
        .min();
    if let (Some(here), Some(elsewhere)) = (here, elsewhere)
        && elsewhere < here
    {
        trace.reason = "another endpoint is cheaper even with a cold cache";
        return trace;
    }
    trace.is_kept = true;
    trace.reason = "the prompt cache is warm there";
    let one = ranked.remove(at);
    ranked.insert(0, one);
    trace
}

fn passed_on(ranked: &[Ranked], request: &ChatRequest) -> Vec<String> {
    if !ranked.iter().any(|one| one.candidate.endpoint.provider.is_aggregator) {
        return Vec::new();
    }
    let fields = backstay_wire::delegated(&request.routing);
    let provider = fields.get("provider").and_then(serde_json::Value::as_object);
    provider.map(|members| members.keys().cloned().collect()).unwrap_or_default()
}

/// Says which filter took what, and to loosen the one that got furthest: what others removed first,
/// it might have removed as well.
fn nothing_left(model: &str, removed: &[(Candidate, Removal)]) -> Error {
    let mut lines: Vec<String> = removed
        .iter()
        .map(|(candidate, removal)| {
            format!("{}: {} ({})", candidate.endpoint.name(), removal.reason, removal.filter)
        })
        .collect();
    const SHOWN_MAX: usize = 10;
    let more = lines.len().saturating_sub(SHOWN_MAX);
    lines.truncate(SHOWN_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    let by_policy = removed.iter().all(|(_, removal)| removal.filter.starts_with("policy."));
    let code = if by_policy { ErrorCode::PermissionDenied } else { ErrorCode::NoEndpoints };
    let last = removed.iter().map(|(_, removal)| removal.filter).max_by_key(|it| filter::place(it));
    let advice = match last {
        Some(filter) if by_policy => format!("ask whoever manages the key to change {filter}"),
        Some(filter) => format!("loosen {filter} or name another model"),
        None => "name another model".to_owned(),
    };
    let message =
        format!("no endpoint of {model:?} may serve this request: {}; {advice}", lines.join("; "));
    Error::new(code, message).with_parameter("model")
}
