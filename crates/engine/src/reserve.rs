//! What a call may cost at most, for callers whose spending is limited.

use backstay_core::{
    CallContext, Charge, Error, ErrorCode, Money, Price, RateLimit, RateUse, Result, Spending,
    Timestamp, Usage,
    chat::{ChatRequest, Tool},
    tokens,
};
use backstay_routing::Endpoint;
use backstay_store::{Reservation, ReserveFrom, SettledAttempt};
use backstay_wire::{EmbeddingInput, EmbeddingRequest, RerankRequest};
use serde_json::Value;

use crate::{Engine, EngineOptions};

/// Our count of tokens lies within about ten per cent of a model's own on prose, and further off
/// elsewhere: an eighth is added.
const MARGIN_DIVISOR: u64 = 8;
/// What a wire format adds around each message.
const TOKENS_PER_MESSAGE: u64 = 8;

/// What a call sends, as far as it matters to what the call costs.
#[derive(Clone, Copy)]
pub(crate) enum Work<'a> {
    Chat(&'a ChatRequest),
    Embedding(&'a EmbeddingRequest),
    Rerank(&'a RerankRequest),
    /// One search of the web.
    WebSearch,
    /// An earlier answer is given again.
    Repeated,
}

/// A call and the endpoints that may serve it.
pub(crate) struct Quote<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) work: Work<'a>,
    pub(crate) endpoints: &'a [Endpoint],
    pub(crate) at: Timestamp,
}

impl Quote<'_> {
    /// What has to be reserved; `None` where nothing has to: the caller has no budget, or none of the
    /// endpoints ever costs anything. Fails with `price_unknown` when an endpoint's price is not
    /// known, and the caller may not call such.
    pub(crate) fn reservation(&self, context: &CallContext) -> Result<Option<Reservation>> {
        if context.spending == Spending::Unlimited {
            return Ok(None);
        }
        let Some(first) = self.endpoints.first() else { return Ok(None) };
        if self.endpoints.iter().all(|endpoint| endpoint.price().is_some_and(Price::is_free)) {
            return Ok(None);
        }
        if let Some(unpriced) = self.endpoints.iter().find(|one| !is_affordable(context, one)) {
            return Err(self.work.price_unknown(unpriced));
        }
        let prompt_tokens = self.work.prompt_tokens();
        let usage = Usage { prompt_tokens, estimated: true, ..self.work.counted() };
        let price = first.price().map(|price| price.in_force(self.at).into_owned());
        Ok(Some(Reservation {
            amount: self.worst_case(prompt_tokens),
            from: ReserveFrom::Budgets,
            if_lost: SettledAttempt {
                provider: first.provider.id.clone(),
                model: first.model.clone(),
                error_code: None,
                http_status: None,
                started_at: self.at,
                duration_ms: 0,
                charge: Some(Charge::of(usage, price)),
            },
        }))
    }

    /// What the rate limits of the caller's key are charged until the real figures are known; `None`
    /// where it has none of tokens or money. Of the answer only what the request itself allows is
    /// counted: a limit of speed has to admit calls that do not say how long they may become.
    pub(crate) fn rate_use(&self, context: &CallContext) -> Option<RateUse> {
        let counts = |limit: &RateLimit| !matches!(limit, RateLimit::Requests { .. });
        if !context.rate_limits.iter().any(counts) {
            return None;
        }
        let prompt = self.work.prompt_tokens();
        let answer = match self.work {
            Work::Chat(request) => request.parameters.max_tokens.unwrap_or(0),
            Work::Embedding(_) | Work::Rerank(_) | Work::WebSearch | Work::Repeated => 0,
        };
        let money = self.worst_case(prompt);
        Some(RateUse { requests: 0, tokens: prompt.saturating_add(answer), money })
    }

    /// The most expensive endpoint's price for as much as there may be, as often as may be at once.
    fn worst_case(&self, prompt_tokens: u64) -> Money {
        let counted = self.work.counted();
        let worst = |endpoint: &Endpoint| {
            let most = Usage {
                prompt_tokens: with_margin(prompt_tokens),
                completion_tokens: self.work.output_tokens(endpoint, self.engine.options()),
                web_searches: self.work.searches_max(),
                ..counted.clone()
            };
            let ceiling = endpoint.price().map(|price| price.ceiling(&most));
            ceiling.map(|amount| amount.unwrap_or(Money::MAX))
        };
        let dearest = self.endpoints.iter().filter_map(worst).max().unwrap_or_default();
        dearest.times(self.at_once()).unwrap_or(Money::MAX)
    }

    /// Attempts that may be charged for an answer each: two where one is hedged, or continues the
    /// answer that another broke off.
    fn at_once(&self) -> u64 {
        let Work::Chat(request) = self.work else { return 1 };
        let twice = request.routing.continue_broken || self.engine.router().may_hedge(request);
        if twice { 2 } else { 1 }
    }
}

/// Whether a caller can pay for an endpoint: under a budget its price has to be known, unless the
/// caller's key says that it need not be.
pub(crate) fn is_affordable(context: &CallContext, endpoint: &Endpoint) -> bool {
    let needs_price = matches!(context.spending, Spending::Limited { allow_unpriced: false, .. });
    !needs_price || endpoint.price().is_some()
}

impl Work<'_> {
    fn prompt_tokens(self) -> u64 {
        match self {
            Self::Chat(request) => {
                let tools: u64 = request.tools.iter().map(tool_tokens).sum();
                let messages = u64::try_from(request.messages.len()).unwrap_or(u64::MAX);
                let around = messages.saturating_mul(TOKENS_PER_MESSAGE);
                request.estimated_prompt_tokens().saturating_add(tools).saturating_add(around)
            }
            Self::Embedding(request) => match &request.input {
                EmbeddingInput::Texts(texts) => texts.iter().map(|t| tokens::estimate(t)).sum(),
                EmbeddingInput::Tokens(lists) => numbers(lists),
            },
            Self::Rerank(request) => request.estimated_tokens(),
            Self::WebSearch | Self::Repeated => 0,
        }
    }

    /// What of its usage is known beforehand, exactly.
    fn counted(self) -> Usage {
        match self {
            Self::Chat(request) => {
                Usage { prompt_images: request.prompt_images(), ..Usage::default() }
            }
            Self::WebSearch => Usage { web_searches: 1, ..Usage::default() },
            Self::Embedding(_) | Self::Rerank(_) | Self::Repeated => Usage::default(),
        }
    }

    /// Searches that a provider may charge for, where the request bounds them.
    fn searches_max(self) -> u64 {
        match self {
            Self::Chat(request) => request.tools.iter().map(tool_searches).sum(),
            Self::Embedding(_) | Self::Repeated => 0,
            Self::Rerank(request) => search_units(request),
            Self::WebSearch => 1,
        }
    }

    fn output_tokens(self, endpoint: &Endpoint, options: &EngineOptions) -> u64 {
        let Self::Chat(request) = self else { return 0 };
        let parameters = &request.parameters;
        let most = parameters
            .max_tokens
            .or(endpoint.facts.output_tokens_max)
            .unwrap_or(options.output_tokens_assumed);
        most.saturating_mul(parameters.choices.unwrap_or(1).max(1))
    }

    fn price_unknown(self, endpoint: &Endpoint) -> Error {
        let error = |mend: &str| {
            let message = format!(
                "the price of {} is not known, and a key with a budget pays only for what has one: \
                 set {mend} in the configuration, or `allow_unpriced` on the key",
                endpoint.name()
            );
            Error::new(ErrorCode::PriceUnknown, message)
        };
        match self {
            Self::WebSearch => error("web_search.price_per_thousand"),
            Self::Chat(_) | Self::Embedding(_) | Self::Rerank(_) | Self::Repeated => {
                error("the model's price").with_parameter("model")
            }
        }
    }
}

/// Tokens come as a list of numbers or as a list of such lists.
fn numbers(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(numbers).sum(),
        _ => 1,
    }
}

fn with_margin(tokens: u64) -> u64 {
    tokens.saturating_add(tokens.div_ceil(MARGIN_DIVISOR))
}

/// Anthropic's tool for searching the web says how often it may be used.
fn tool_searches(tool: &Tool) -> u64 {
    let Tool::Provider { value, .. } = tool else { return 0 };
    let searches = value["type"].as_str().is_some_and(|kind| kind.starts_with("web_search"));
    value["max_uses"].as_u64().filter(|_| searches).unwrap_or(0)
}

/// Cohere charges a search for each hundred documents, of which a long one counts as one for every 500
/// tokens of it and the query.
fn search_units(request: &RerankRequest) -> u64 {
    const DOCUMENTS: u64 = 100;
    const DOCUMENT_TOKENS: u64 = 500;
    let query = tokens::estimate(&request.query);
    let pieces = request.documents.iter().map(|document| {
        let tokens = query + document.text().map_or(0, tokens::estimate);
        with_margin(tokens).div_ceil(DOCUMENT_TOKENS).max(1)
    });
    pieces.sum::<u64>().div_ceil(DOCUMENTS)
}

fn tool_tokens(tool: &Tool) -> u64 {
    match tool {
        Tool::Function { name, description, parameters, .. } => {
            let schema = parameters.as_ref().map(|schema| tokens::estimate(&schema.to_string()));
            tokens::estimate(name)
                + description.as_deref().map_or(0, tokens::estimate)
                + schema.unwrap_or(0)
        }
        Tool::Provider { value, .. } => tokens::estimate(&value.to_string()),
    }
}
