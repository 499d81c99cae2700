//! An entry of `model_list`: one model at one server, behind a name that it may share with others.

use backstay_providers::Environment;

use super::{
    advice,
    costs::Costs,
    known::split_model,
    providers::{Secret, Secrets},
    report::{Place, Report},
    upstream::{Address, Upstream},
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
    pub(super) secrets: Secrets,
    /// Classes of use with dollars as Backstay writes both; empty when unknown.
    pub(super) price: Vec<(&'static str, String)>,
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

    /// As [`Self::resolve`], and tells what Backstay's configuration will not follow.
    fn resolve_and_say(
        &self,
        source: Source,
        place: &Place,
        report: &mut Report,
    ) -> Result<String, String> {
        let variable = match &source {
            Source::Variable(name) => Some(name.clone()),
            Source::Literal(_) => None,
        };
        let value = self.resolve(source)?;
        if let Some(name) = variable {
            report.changed(place, format!("what {name} says today was written down: {value}"));
        }
        Ok(value)
    }

    /// The variable, if it is set: what LiteLLM takes when a deployment says nothing.
    fn set(&self, name: &str) -> Option<Source> {
        self.environment.get(name).map(|_| Source::Variable(name.to_owned()))
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
    api_version: Option<Source>,
    region: Option<Source>,
    project: Option<Source>,
    location: Option<Source>,
    credentials: Option<Source>,
    secrets: Secrets,
    order: Option<i64>,
    weight: Option<f64>,
    costs: Costs,
    context_length: Option<u64>,
    output_tokens_max: Option<u64>,
    mode: Option<String>,
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
                _ if self.take_parameter(entry) || self.costs.take(entry, &within, report) => {}
                key => report.missing(&within, advice::of_parameter(key)),
            }
        }
    }

    /// Whether the entry was one that makes up the deployment.
    fn take_parameter(&mut self, entry: &Entry) -> bool {
        let value = || source(&entry.value);
        let mut keep = |secret| {
            self.secrets.extend(value().map(|source| (secret, source)));
        };
        match entry.key.as_str() {
            "model" => self.model = value(),
            "custom_llm_provider" => {
                self.custom_provider = entry.value.text().map(str::to_owned);
            }
            "api_base" | "base_url" => self.api_base = value(),
            "api_version" => self.api_version = value(),
            "aws_region_name" => self.region = value(),
            "vertex_project" => self.project = value(),
            "vertex_location" => self.location = value(),
            "vertex_credentials" => self.credentials = value(),
            "api_key" => keep(Secret::ApiKey),
            "aws_access_key_id" => keep(Secret::AwsAccessKeyId),
            "aws_secret_access_key" => keep(Secret::AwsSecretAccessKey),
            "aws_session_token" => keep(Secret::AwsSessionToken),
            "order" => self.order = entry.value.text().and_then(|text| text.parse().ok()),
            "weight" => self.weight = entry.value.text().and_then(|text| text.parse().ok()),
            _ => return false,
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
                _ if self.costs.take(entry, &within, report) => {}
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
        let (provider, model) = split_model(&model, self.custom_provider.as_deref())
            .ok_or_else(|| format!("{model} does not say which provider runs it"))?;
        let mut resolved = |source: Option<Source>| {
            source.map(|source| surroundings.resolve_and_say(source, place, report)).transpose()
        };
        let address = Address {
            api_base: resolved(self.api_base)?,
            api_version: resolved(self.api_version)?,
            region: resolved(self.region.or_else(|| surroundings.set("AWS_REGION_NAME")))?,
            project: resolved(self.project.or_else(|| surroundings.set("VERTEXAI_PROJECT")))?,
            location: resolved(self.location.or_else(|| surroundings.set("VERTEXAI_LOCATION")))?,
            credentials: resolved(self.credentials)?,
        };
        if address.api_base.as_deref().is_some_and(|base| base.contains(['@', '?'])) {
            return Err("its api_base holds more than an address, perhaps a key".to_owned());
        }
        if address.credentials.as_deref().is_some_and(|file| file.contains(['{', '\n'])) {
            return Err("its vertex_credentials are no file; put them into one".to_owned());
        }
        let (upstream, model) = Upstream::of(&provider, &model, address)?;
        let price = self.costs.price(self.mode.as_deref() == Some("embedding"), place, report);
        Ok(Deployment {
            place: place.clone(),
            name: name.to_owned(),
            upstream,
            model,
            secrets: self.secrets,
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
