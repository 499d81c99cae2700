//! A configuration of LiteLLM's proxy as one of Backstay's, and a report of what became of every
//! setting in it.
//!
//! `yaml` reads the file, `deployment` and `upstream` its models, `settings` the rest; `providers`
//! and `routes` arrange what was read as Backstay does, and `config_text` writes it. Everything that
//! is not read ends in the report, and no key ever leaves the file.

mod advice;
mod config_text;
mod costs;
mod deployment;
#[cfg(test)]
mod golden_test;
mod known;
mod providers;
mod report;
mod routes;
mod settings;
mod upstream;
mod value;
mod yaml;

use anyhow::{Result, bail, ensure};
use backstay_providers::Environment;

pub(crate) use report::Report;

use config_text::Parts;
use deployment::Surroundings;
use providers::Providers;
use report::Place;
use yaml::{Node, Value};

pub(crate) struct Conversion {
    /// TOML.
    pub(crate) config: String,
    pub(crate) report: Report,
}

/// `environment` is asked for addresses that the file takes from variables, never for keys.
pub(crate) fn convert(text: &str, environment: &Environment) -> Result<Conversion> {
    let root = yaml::parse(text)?;
    ensure!(matches!(root.value, Value::Map(_)), "it is not a mapping of settings");
    let Some(model_list) = root.get("model_list") else {
        bail!("it has no model_list, so it is no configuration of LiteLLM's proxy");
    };
    let mut report = Report::default();
    let surroundings = Surroundings {
        environment,
        variables: root.get("environment_variables"),
        credentials: root.get("credential_list").map(Node::items).unwrap_or_default(),
    };
    let mut discovery = false;
    let mut deployments = Vec::new();
    for (index, entry) in model_list.items().iter().enumerate() {
        if is_everything(entry) {
            discovery = true;
            let place = Place::new(entry.line, format!("model_list[{index}]"));
            report.taken(&place, "every provider whose key is in the environment is served");
        } else {
            deployments.extend(deployment::read(entry, index, &surroundings, &mut report));
        }
    }
    let settings = settings::read(&root, &mut report);
    let mut providers = Providers::new(&deployments);
    let names = routes::build(&deployments, &settings, &mut providers, &mut report);
    if providers.all.is_empty() && !discovery {
        bail!("not one of its models can be carried over:\n{}", report.text());
    }
    report.sort();
    let parts = Parts {
        settings: &settings,
        providers: &providers.all,
        routes: &names.routes,
        served: if discovery { &[] } else { &names.served },
    };
    Ok(Conversion { config: config_text::write(&parts), report })
}

/// `model_name: "*"` for `model: "*"`: any model of any provider.
fn is_everything(entry: &Node) -> bool {
    let model = entry.get("litellm_params").and_then(|parameters| parameters.get("model"));
    [entry.get("model_name"), model].iter().all(|name| name.and_then(Node::text) == Some("*"))
}
