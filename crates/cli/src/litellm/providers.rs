//! The distinct providers behind all deployments, each with an id and the variable of its key.

use std::collections::BTreeSet;

use backstay_core::{Price, Secret, WireFormat};
use backstay_providers::Provider;

use super::{
    deployment::Deployment,
    report::Report,
    upstream::Upstream,
    value::{Source, is_placeholder},
};

pub(super) struct ImportedProvider {
    pub(super) id: String,
    pub(super) format: WireFormat,
    pub(super) base_url: String,
    /// The environment variable that will hold its key.
    pub(super) key_variable: Option<String>,
    /// What is known of its models, beyond their names.
    pub(super) models: Vec<ImportedModel>,
    key: Option<Source>,
}

#[derive(PartialEq)]
pub(super) struct ImportedModel {
    pub(super) id: String,
    pub(super) price: Option<Price>,
    pub(super) context_length: Option<u64>,
    pub(super) output_tokens_max: Option<u64>,
}

impl ImportedModel {
    fn says_something(&self) -> bool {
        self.price.is_some() || self.context_length.is_some() || self.output_tokens_max.is_some()
    }
}

pub(super) struct Providers {
    pub(super) all: Vec<ImportedProvider>,
    /// Variables that the file itself names: none of them may be given to another key.
    named: BTreeSet<String>,
}

impl Providers {
    pub(super) fn new(deployments: &[Deployment]) -> Self {
        let named = deployments.iter().filter_map(|deployment| match &deployment.key {
            Some(Source::Variable(name)) => Some(name.clone()),
            Some(Source::Literal(_)) => None,
            None => deployment.upstream.key_variable.clone(),
        });
        Self { all: Vec::new(), named: named.collect() }
    }

    /// The endpoint's name, `provider/model`; `None` when the report says why there is none.
    pub(super) fn endpoint(
        &mut self,
        deployment: &Deployment,
        report: &mut Report,
    ) -> Option<String> {
        let key = wanted_key(deployment, report);
        let upstream = &deployment.upstream;
        let known = self.all.iter().position(|it| {
            (it.format, &it.base_url, &it.key) == (upstream.format, &upstream.base_url, &key)
        });
        let position = match known {
            Some(position) => position,
            None => self.add(deployment, key, report)?,
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
        self.all.iter().find(of_endpoint)?.key_variable.as_deref()
    }

    fn add(
        &mut self,
        deployment: &Deployment,
        key: Option<Source>,
        report: &mut Report,
    ) -> Option<usize> {
        let Upstream { id, format, base_url, .. } = &deployment.upstream;
        let id = self.free_id(id);
        // What the server would refuse at its start is refused here, where the line is known.
        let secret = key.as_ref().and_then(|_| Secret::new("any"));
        if let Err(error) = Provider::http(&id, &id, *format, base_url, secret) {
            report.missing(&deployment.place, format!("left out: {}", error.message()));
            return None;
        }
        let key_variable = key.as_ref().map(|key| match key {
            Source::Variable(name) => name.clone(),
            Source::Literal(_) => {
                let name = self.free_variable(&id);
                let note = format!("its key is not written down; put it into {name}");
                report.changed(&deployment.place, note);
                name
            }
        });
        self.all.push(ImportedProvider {
            id,
            format: *format,
            base_url: base_url.clone(),
            key_variable,
            models: Vec::new(),
            key,
        });
        Some(self.all.len() - 1)
    }

    fn free_id(&self, wanted: &str) -> String {
        let taken = |id: &str| self.all.iter().any(|provider| provider.id == id);
        numbered(wanted, "-", taken)
    }

    fn free_variable(&self, id: &str) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let wanted = format!("{}_API_KEY", id.chars().map(word).collect::<String>());
        let taken = |name: &str| {
            let given =
                |provider: &ImportedProvider| provider.key_variable.as_deref() == Some(name);
            self.named.contains(name) || self.all.iter().any(given)
        };
        // A name of a variable cannot begin with a digit.
        let wanted = if wanted.starts_with(|c: char| c.is_ascii_digit()) {
            format!("UPSTREAM_{wanted}")
        } else {
            wanted
        };
        numbered(&wanted, "_", taken)
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

fn wanted_key(deployment: &Deployment, report: &mut Report) -> Option<Source> {
    match &deployment.key {
        Some(Source::Literal(key)) if is_placeholder(key) => {
            report.changed(&deployment.place, "no key is sent: the one in the file is a stand-in");
            None
        }
        Some(key) => Some(key.clone()),
        None => deployment.upstream.key_variable.clone().map(Source::Variable),
    }
}
