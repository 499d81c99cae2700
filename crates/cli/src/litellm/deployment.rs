//! An entry of `model_list`: one model at one server, behind a name that it may share with others.

use backstay_core::{Money, Price};
use backstay_providers::Environment;

use super::{
    advice,
    report::{Place, Report},
    upstream::{Upstream, split_model},
    value::{Source, positive, source},
    yaml::{Entry, Node},
};

pub(super) struct Deployment {
    pub(super) place: Place,
    /// What clients call it.
    pub(super) name: String,
    pub(super) upstream: Upstream,
    /// The server's own name of the model; ends in `*` where it stands for many.
    pub(super) model: String,
    pub(super) key: Option<Source>,
    pub(super) price: Option<Price>,
    pub(super) context_length: Option<u64>,
    pub(super) output_tokens_max: Option<u64>,
    /// Lower is tried first; none is tried last.
    order: Option<i64>,
    weight: f64,
}

impl Deployment {
    /// The order in which LiteLLM prefers deployments of one name: by `order`, then by `weight`.
    pub(super) fn sort(deployments: &mut [&Self]) {
        deployments.sort_by(|a, b| {
            let order = |it: &Self| it.order.unwrap_or(i64::MAX);
            order(a).cmp(&order(b)).then(b.weight.total_cmp(&a.weight))
        });
    }
}

/// What the rest of the file says that a deployment may refer to.
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a Environment,
    /// `environment_variables`.
    pub(super) variables: Option<&'a Node>,
    /// `credential_list`.
    pub(super) credentials: &'a [Node],
}

impl Surroundings<'_> {
    /// What a setting that is no secret says today; the error names the variable that is not set.
    fn resolve(&self, source: Source) -> Result<String, String> {
        match source {
            Source::Literal(text) => Ok(text),
            Source::Variable(name) => {
                let in_file = self.variables.and_then(|variables| variables.get(&name)?.text());
                let value = self.environment.get(&name).or(in_file);
                value.map(str::to_owned).ok_or_else(|| {
                    format!("it is taken from {name}, which is not set; set it and import again")
                })
            }
        }
    }

    fn credential(&self, name: &str) -> Option<&Node> {
        let named = |node: &&Node| node.get("credential_name").and_then(Node::text) == Some(name);
        self.credentials.iter().find(named)?.get("credential_values")
    }
}

/// The settings of one deployment as they were met.
#[derive(Default)]
struct Settings {
    model: Option<Source>,
    custom_provider: Option<String>,
    api_base: Option<Source>,
    key: Option<Source>,
    order: Option<i64>,
    weight: Option<f64>,
    costs: Costs,
    context_length: Option<u64>,
    output_tokens_max: Option<u64>,
    mode: Option<String>,
}

/// Dollars per token, by class.
#[derive(Default)]
struct Costs {
    prompt: Option<Money>,
    completion: Option<Money>,
    cached_prompt: Option<Money>,
    cache_write: Option<Money>,
    reasoning: Option<Money>,
    request: Option<Money>,
}

/// `None` when the entry cannot be carried over; the report then says why.
pub(super) fn read(
    entry: &Node,
    index: usize,
    surroundings: &Surroundings<'_>,
    report: &mut Report,
) -> Option<Deployment> {
    let place = Place::new(entry.line, format!("model_list[{index}]"));
    let Some(name) = entry.get("model_name").and_then(Node::text) else {
        report.missing(&place, "left out: it has no model_name");
        return None;
    };
    let mut settings = Settings::default();
    for setting in entry.entries() {
        let within = place.within(setting.line, &setting.key);
        match setting.key.as_str() {
            "model_name" => {}
            "litellm_params" => {
                settings.parameters(&setting.value, &within, surroundings, report);
            }
            "model_info" => settings.info(&setting.value, &within, report),
            _ => report.missing(&within, advice::UNKNOWN),
        }
    }
    match settings.deployment(&place, name, surroundings, report) {
        Ok(deployment) => Some(deployment),
        Err(reason) => {
            report.missing(&place, format!("{name} is left out: {reason}"));
            None
        }
    }
}

impl Settings {
    fn parameters(
        &mut self,
        parameters: &Node,
        place: &Place,
        surroundings: &Surroundings<'_>,
        report: &mut Report,
    ) {
        for entry in parameters.entries() {
            let within = place.within(entry.line, &entry.key);
            match entry.key.as_str() {
                "litellm_credential_name" => {
                    let name = entry.value.text().unwrap_or_default();
                    match surroundings.credential(name) {
                        Some(values) => self.parameters(values, &within, surroundings, report),
                        None => report.missing(&within, format!("there is no credential {name}")),
                    }
                }
                _ if self.take_parameter(entry) || self.take_cost(entry, &within, report) => {}
                key => report.missing(&within, advice::of_parameter(key)),
            }
        }
    }

    /// Whether the entry was one that makes up the deployment.
    fn take_parameter(&mut self, entry: &Entry) -> bool {
        let text = || entry.value.text().map(str::to_owned);
        match entry.key.as_str() {
            "model" => self.model = source(&entry.value),
            "custom_llm_provider" => self.custom_provider = text(),
            "api_base" | "base_url" => self.api_base = source(&entry.value),
            "api_key" => self.key = source(&entry.value),
            // Azure's v1 API has no versions in its address.
            "api_version" => {}
            "order" => self.order = entry.value.text().and_then(|text| text.parse().ok()),
            "weight" => self.weight = entry.value.text().and_then(|text| text.parse().ok()),
            _ => return false,
        }
        true
    }

    /// Costs may stand among the parameters and in `model_info`.
    fn take_cost(&mut self, entry: &Entry, place: &Place, report: &mut Report) -> bool {
        let costs = &mut self.costs;
        let slot = match entry.key.as_str() {
            "input_cost_per_token" => &mut costs.prompt,
            "output_cost_per_token" => &mut costs.completion,
            "cache_read_input_token_cost" => &mut costs.cached_prompt,
            "cache_creation_input_token_cost" => &mut costs.cache_write,
            "output_cost_per_reasoning_token" => &mut costs.reasoning,
            "input_cost_per_request" => &mut costs.request,
            _ => return false,
        };
        *slot = entry.value.text().and_then(Money::parse_dollars);
        if slot.is_none() {
            report.missing(place, "it is not a dollar amount of at least 10⁻¹² dollars");
        }
        true
    }

    fn info(&mut self, info: &Node, place: &Place, report: &mut Report) {
        let mut descriptive = Vec::new();
        for entry in info.entries() {
            let within = place.within(entry.line, &entry.key);
            match entry.key.as_str() {
                "max_input_tokens" => self.context_length = positive(&entry.value),
                "max_output_tokens" => self.output_tokens_max = positive(&entry.value),
                "max_tokens" => {
                    self.context_length = self.context_length.or_else(|| positive(&entry.value));
                }
                "mode" => self.mode = entry.value.text().map(str::to_owned),
                _ if self.take_cost(entry, &within, report) => {}
                key if key.contains("cost") => report.missing(&within, advice::COST),
                key => descriptive.push(key),
            }
        }
        if !descriptive.is_empty() {
            let note = format!("{}: {}", descriptive.join(", "), advice::DESCRIPTIVE);
            report.missing(place, note);
        }
    }

    fn deployment(
        self,
        place: &Place,
        name: &str,
        surroundings: &Surroundings<'_>,
        report: &mut Report,
    ) -> Result<Deployment, String> {
        if let Some(mode) = self.mode.as_deref().filter(|mode| !served(mode)) {
            return Err(format!("Backstay does not serve models of mode {mode}"));
        }
        let model = surroundings.resolve(self.model.ok_or("it has no litellm_params.model")?)?;
        let api_base = self.api_base.map(|base| match &base {
            Source::Variable(variable) => {
                let note = format!(
                    "the address in {variable} was written as it is today: Backstay's base_url is \
                     no variable"
                );
                surroundings.resolve(base.clone()).inspect(|_| report.changed(place, note))
            }
            Source::Literal(_) => surroundings.resolve(base),
        });
        let api_base = api_base.transpose()?;
        if api_base.as_deref().is_some_and(|base| base.contains(['@', '?'])) {
            return Err("its api_base holds more than an address, perhaps a key".to_owned());
        }
        let (provider, model) = split_model(&model, self.custom_provider.as_deref())
            .ok_or_else(|| format!("{model} does not say which provider runs it"))?;
        let upstream = Upstream::of(&provider, api_base.as_deref())?;
        if provider == "azure" {
            report.changed(place, advice::AZURE);
        }
        let costs = match self.mode.as_deref() {
            // An embedding has no completion that could cost anything.
            Some("embedding") => {
                let completion = self.costs.completion.or(Some(Money::ZERO));
                Costs { completion, ..self.costs }
            }
            _ => self.costs,
        };
        let price = costs.price(place, report);
        Ok(Deployment {
            place: place.clone(),
            name: name.to_owned(),
            upstream,
            model,
            key: self.key,
            price,
            context_length: self.context_length,
            output_tokens_max: self.output_tokens_max,
            order: self.order,
            weight: self.weight.unwrap_or_default(),
        })
    }
}

fn served(mode: &str) -> bool {
    matches!(mode, "chat" | "completion" | "responses" | "embedding")
}

impl Costs {
    /// A price needs both directions: one alone would make the other free.
    fn price(self, place: &Place, report: &mut Report) -> Option<Price> {
        match (self.prompt, self.completion) {
            (Some(prompt), Some(completion)) => Some(Price {
                prompt,
                completion,
                cached_prompt: self.cached_prompt,
                cache_write: self.cache_write,
                reasoning: self.reasoning,
                request: self.request,
                ..Price::FREE
            }),
            (None, None | Some(Money::ZERO)) => None,
            _ => {
                report
                    .missing(place, "its price has only one of input and output; none is written");
                None
            }
        }
    }
}
