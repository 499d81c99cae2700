//! Backstay's configuration as TOML, written for a person to go on with.

use std::fmt::Write as _;

use super::{
    providers::{ImportedModel, ImportedProvider, Secret},
    routes::ImportedRoute,
    settings::Settings,
    upstream::Location,
};

pub(super) struct Parts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) providers: &'a [ImportedProvider],
    pub(super) routes: &'a [ImportedRoute],
    /// The only names that may be called, `*` standing for any characters; empty when all may, and
    /// those of providers whose keys are in the environment too.
    pub(super) served: &'a [String],
}

pub(super) fn write(parts: &Parts<'_>) -> String {
    let mut text = "# Made by `backstay import litellm`.\n".to_owned();
    let variables = parts.providers.iter().flat_map(|provider| provider.variables.values());
    let variables: Vec<&str> = variables.map(String::as_str).collect();
    if !variables.is_empty() {
        // Writing to a string cannot fail.
        writeln!(text, "# Set before the server starts: {}", unique(&variables).join(", ")).ok();
    }
    settings(&mut text, parts);
    for provider in parts.providers {
        write_provider(&mut text, provider);
    }
    for route in parts.routes {
        let endpoints: Vec<String> = route.endpoints.iter().map(|name| quoted(name)).collect();
        writeln!(
            text,
            "\n[[models]]\nid = {}\nendpoints = [{}]",
            quoted(&route.id),
            endpoints.join(", ")
        )
        .ok();
    }
    text
}

fn unique<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(name) {
            unique.push(*name);
        }
    }
    unique
}

fn settings(text: &mut String, parts: &Parts<'_>) {
    let Settings { total_ms, first_token_ms, body_bytes_max, .. } = parts.settings;
    if let Some(bytes) = body_bytes_max {
        writeln!(text, "\n[server]\nbody_bytes_max = {bytes}").ok();
    }
    if !parts.served.is_empty() {
        text.push_str("\n# As in LiteLLM: what is not named here is not served.\n");
        text.push_str("[discovery]\nenabled = false\n\n[routing.policy]\nallow_models = [\n");
        for name in parts.served {
            writeln!(text, "    {},", quoted(name)).ok();
        }
        text.push_str("]\n");
    }
    if total_ms.is_some() || first_token_ms.is_some() {
        text.push_str("\n[timeouts]\n");
        for (name, value) in [("first_token", first_token_ms), ("total", total_ms)] {
            if let Some(milliseconds) = value {
                writeln!(text, "{name} = {milliseconds}").ok();
            }
        }
    }
}

fn write_provider(text: &mut String, provider: &ImportedProvider) {
    writeln!(text, "\n[[providers]]\nid = {}", quoted(&provider.id)).ok();
    let mut line = |key: &str, value: &str| writeln!(text, "{key} = {}", quoted(value)).ok();
    match &provider.location {
        Location::Catalogue(preset) => {
            line("preset", preset);
        }
        Location::Server { format, base_url } => {
            line("format", format.as_str());
            line("base_url", base_url);
        }
        Location::Azure { resource, .. } => {
            line("preset", "azure");
            line("base_url", resource);
        }
        Location::Bedrock { .. } => {
            line("preset", "bedrock");
        }
        Location::Vertex { is_claude, .. } => {
            line("preset", if *is_claude { "vertex-anthropic" } else { "vertex" });
        }
    }
    if let Some(variable) = provider.variables.get(&Secret::ApiKey) {
        line("api_key_env", variable);
    }
    write_platform(text, provider);
    for model in &provider.models {
        write_model(text, model);
    }
}

/// What a cloud wants to know beside an address.
fn write_platform(text: &mut String, provider: &ImportedProvider) {
    let variable = |secret| provider.variables.get(&secret).map(String::as_str);
    let (name, fields) = match &provider.location {
        Location::Catalogue(_) | Location::Server { .. } => return,
        Location::Azure { api_version, .. } => {
            ("azure", vec![("api_version", api_version.as_deref())])
        }
        Location::Bedrock { region } => (
            "aws",
            vec![
                ("region", Some(region.as_str())),
                ("access_key_id_env", variable(Secret::AwsAccessKeyId)),
                ("secret_access_key_env", variable(Secret::AwsSecretAccessKey)),
                ("session_token_env", variable(Secret::AwsSessionToken)),
            ],
        ),
        Location::Vertex { project, location, credentials, .. } => (
            "google",
            vec![
                ("project", Some(project.as_str())),
                ("location", Some(location.as_str())),
                ("credentials", credentials.as_deref()),
            ],
        ),
    };
    let said: Vec<String> = fields
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} = {}", quoted(value?))))
        .collect();
    if !said.is_empty() {
        writeln!(text, "{name} = {{ {} }}", said.join(", ")).ok();
    }
}

fn write_model(text: &mut String, model: &ImportedModel) {
    writeln!(text, "\n[[providers.models]]\nid = {}", quoted(&model.id)).ok();
    for (name, tokens) in
        [("context_length", model.context_length), ("output_tokens_max", model.output_tokens_max)]
    {
        if let Some(tokens) = tokens {
            writeln!(text, "{name} = {tokens}").ok();
        }
    }
    if !model.price.is_empty() {
        let classes = model.price.iter().map(|(class, amount)| format!("{class} = \"{amount}\""));
        writeln!(text, "price = {{ {} }}", classes.collect::<Vec<_>>().join(", ")).ok();
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
