//! The distinct providers behind all deployments, each with an id and the variables of its keys.

use std::collections::{BTreeMap, BTreeSet};

use backstay_providers::Provider;

use super::{
    deployment::Deployment,
    report::Report,
    upstream::{Location, Upstream},
    value::{Source, is_placeholder},
};

/// What a provider wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secret {
    ApiKey,
    AwsAccessKeyId,
    AwsSecretAccessKey,
    AwsSessionToken,
}

pub(super) type Secrets = BTreeMap<Secret, Source>;

impl Secret {
    /// The end of a variable's name.
    fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "API_KEY",
            Self::AwsAccessKeyId => "ACCESS_KEY_ID",
            Self::AwsSecretAccessKey => "SECRET_ACCESS_KEY",
            Self::AwsSessionToken => "SESSION_TOKEN",
        }
    }
}

pub(super) struct ImportedProvider {
    pub(super) id: String,
    pub(super) location: Location,
    /// The environment variables that will hold its keys.
    pub(super) variables: BTreeMap<Secret, String>,
    /// What is known of its models, beyond their names.
    pub(super) models: Vec<ImportedModel>,
    secrets: Secrets,
}

#[derive(PartialEq)]
pub(super) struct ImportedModel {
    pub(super) id: String,
    pub(super) price: Vec<(&'static str, String)>,
    pub(super) context_length: Option<u64>,
    pub(super) output_tokens_max: Option<u64>,
}

impl ImportedModel {
    fn says_something(&self) -> bool {
        !self.price.is_empty() || self.context_length.is_some() || self.output_tokens_max.is_some()
    }
}

pub(super) struct Providers {
    pub(super) all: Vec<ImportedProvider>,
    /// Variables that the file itself names: none of them may be given to another key.
    named: BTreeSet<String>,
}

impl Providers {
    pub(super) fn new(deployments: &[Deployment]) -> Self {
        let of_secrets = deployments.iter().flat_map(|deployment| deployment.secrets.values());
        let in_file = of_secrets.filter_map(|secret| match secret {
            Source::Variable(name) => Some(name.clone()),
            Source::Literal(_) => None,
        });
        let keyless = deployments.iter().filter(|it| !it.secrets.contains_key(&Secret::ApiKey));
        let usual = keyless.filter_map(|it| it.upstream.key_variable.clone());
        Self { all: Vec::new(), named: in_file.chain(usual).collect() }
    }

    /// The endpoint's name, `provider/model`; `None` when the report says why there is none.
    pub(super) fn endpoint(
        &mut self,
        deployment: &Deployment,
        report: &mut Report,
    ) -> Option<String> {
        let secrets = wanted_secrets(deployment, report);
        let upstream = &deployment.upstream;
        let known = self.all.iter().position(|provider| {
            (&provider.location, &provider.secrets) == (&upstream.place, &secrets)
        });
        let position = match known {
            Some(position) => position,
            None => self.add(deployment, secrets, report)?,
        };
        let provider = &mut self.all[position];
        let model = ImportedModel {
            id: deployment.model.clone(),
            price: deployment.price.clone(),
            context_length: deployment.context_length,
            output_tokens_max: deployment.output_tokens_max,
        };
        if model.says_something() {
            match provider.models.iter().find(|known| known.id == model.id) {
                None => provider.models.push(model),
                Some(known) if *known != model => report.missing(
                    &deployment.place,
                    "its price and lengths differ from those of the same model before it, which hold",
                ),
                Some(_) => {}
            }
        }
        Some(format!("{}/{}", provider.id, deployment.model))
    }

    /// The variable of the key that an endpoint is called with.
    pub(super) fn key_variable_of(&self, endpoint: &str) -> Option<&str> {
        let of_endpoint = |provider: &&ImportedProvider| {
            endpoint.strip_prefix(&provider.id).is_some_and(|rest| rest.starts_with('/'))
        };
        let provider = self.all.iter().find(of_endpoint)?;
        provider.variables.get(&Secret::ApiKey).map(String::as_str)
    }

    fn add(
        &mut self,
        deployment: &Deployment,
        secrets: Secrets,
        report: &mut Report,
    ) -> Option<usize> {
        let id = self.free_id(&deployment.upstream.id);
        if let Err(reason) = check(&id, &deployment.upstream, &secrets) {
            report.missing(&deployment.place, format!("left out: {reason}"));
            return None;
        }
        let mut variables = BTreeMap::new();
        for (secret, source) in &secrets {
            let name = match source {
                Source::Variable(name) => name.clone(),
                Source::Literal(_) => {
                    let name = self.free_variable(&id, *secret);
                    let note = format!("its key is not written down; put it into {name}");
                    report.changed(&deployment.place, note);
                    name
                }
            };
            variables.insert(*secret, name);
        }
        self.all.push(ImportedProvider {
            id,
            location: deployment.upstream.place.clone(),
            variables,
            models: Vec::new(),
            secrets,
        });
        Some(self.all.len() - 1)
    }

    fn free_id(&self, wanted: &str) -> String {
        let taken = |id: &str| self.all.iter().any(|provider| provider.id == id);
        numbered(wanted, "-", taken)
    }

    fn free_variable(&self, id: &str, secret: Secret) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let id: String = id.chars().map(word).collect();
        // A name of a variable cannot begin with a digit.
        let prefix = if id.starts_with(|c: char| c.is_ascii_digit()) { "UPSTREAM_" } else { "" };
        let taken = |name: &str| {
            let given =
                |provider: &ImportedProvider| provider.variables.values().any(|it| it == name);
            self.named.contains(name) || self.all.iter().any(given)
        };
        numbered(&format!("{prefix}{id}_{}", secret.word()), "_", taken)
    }
}

/// `wanted`, or with the first number that makes it free.
fn numbered(wanted: &str, separator: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = wanted.to_owned();
    let mut number = 2;
    while taken(&name) {
        name = format!("{wanted}{separator}{number}");
        number += 1;
    }
    name
}

/// What the server would refuse at its start is refused here, where the line is known.
fn check(id: &str, upstream: &Upstream, secrets: &Secrets) -> Result<(), String> {
    let has = |secret| secrets.contains_key(&secret);
    if has(Secret::AwsAccessKeyId) != has(Secret::AwsSecretAccessKey) {
        return Err("it has only one half of its AWS key".to_owned());
    }
    let Some((format, base_url)) = upstream.server_address() else { return Ok(()) };
    let key = has(Secret::ApiKey).then(|| backstay_core::Secret::new("any")).flatten();
    Provider::http(id, id, format, base_url, key).map(|_| ()).map_err(|e| e.message().to_owned())
}

/// The deployment's own, or what LiteLLM would take without them; none that its provider does not
/// know.
fn wanted_secrets(deployment: &Deployment, report: &mut Report) -> Secrets {
    let is_bedrock = matches!(deployment.upstream.place, Location::Bedrock { .. });
    let mut secrets = deployment.secrets.clone();
    secrets.retain(|secret, _| *secret == Secret::ApiKey || is_bedrock);
    match secrets.get(&Secret::ApiKey) {
        Some(Source::Literal(key)) if is_placeholder(key) => {
            report.changed(&deployment.place, "no key is sent: the one in the file is a stand-in");
            secrets.remove(&Secret::ApiKey);
        }
        Some(_) => {}
        None => {
            let usual = deployment.upstream.key_variable.clone().map(Source::Variable);
            secrets.extend(usual.map(|variable| (Secret::ApiKey, variable)));
        }
    }
    secrets
}
