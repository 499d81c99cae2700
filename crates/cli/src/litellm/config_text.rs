//! Backstay's configuration as TOML, written for a person to go on with.

use std::fmt::Write as _;

use super::{
    providers::{ImportedModel, ImportedProvider},
    routes::ImportedRoute,
    settings::Settings,
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
    let variables: Vec<&str> =
        parts.providers.iter().filter_map(|provider| provider.key_variable.as_deref()).collect();
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
    writeln!(
        text,
        "\n[[providers]]\nid = {}\nformat = {}\nbase_url = {}",
        quoted(&provider.id),
        quoted(provider.format.as_str()),
        quoted(&provider.base_url)
    )
    .ok();
    if let Some(variable) = &provider.key_variable {
        writeln!(text, "api_key_env = {}", quoted(variable)).ok();
    }
    for model in &provider.models {
        write_model(text, model);
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
    let Some(price) = &model.price else { return };
    let classes = [
        ("prompt", Some(price.prompt)),
        ("completion", Some(price.completion)),
        ("cached_prompt", price.cached_prompt),
        ("cache_write", price.cache_write),
        ("reasoning", price.reasoning),
        ("request", price.request),
    ];
    let known: Vec<String> = classes
        .into_iter()
        .filter_map(|(class, amount)| Some(format!("{class} = \"{}\"", amount?)))
        .collect();
    writeln!(text, "price = {{ {} }}", known.join(", ")).ok();
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
