//! `backstay models`: the models that can be called.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::per_million;
use crate::{
    client::{Client, query},
    output::Output,
    terminal::table,
};

/// Which models to list, and in what order.
#[derive(Args)]
pub(super) struct Filter {
    /// Only models whose name contains these words.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only models that this provider serves; several are separated by commas.
    #[arg(long)]
    provider: Option<String>,
    /// Only models whose prompt costs at most this many dollars per million tokens.
    #[arg(long, value_name = "DOLLARS")]
    max_price: Option<String>,
    /// Cheapest, longest context or first name first [default: routes, then the newest].
    #[arg(long)]
    sort: Option<Sort>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sort {
    Price,
    Context,
    Name,
}

impl Sort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Context => "context",
            Self::Name => "name",
        }
    }
}

pub(super) async fn list(client: &Client, filter: &Filter, output: Output) -> Result<ExitCode> {
    let asked = query(&[
        ("q", filter.search.as_deref()),
        ("providers", filter.provider.as_deref()),
        ("max_price", filter.max_price.as_deref()),
        ("sort", filter.sort.map(Sort::as_str)),
    ]);
    let models: Value = client.get(&format!("/backstay/v1/models{asked}")).await?;
    output.show(&models, |models| {
        let rows: Vec<Vec<String>> =
            models["data"].as_array().map(|all| all.iter().map(row).collect()).unwrap_or_default();
        if rows.is_empty() {
            return "No model is like that.".to_owned();
        }
        table(&["model", "context", "prompt $/M", "completion $/M", "served by", "about"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn row(model: &Value) -> Vec<String> {
    let endpoints = model["endpoints"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut providers: Vec<&str> =
        endpoints.iter().filter_map(|endpoint| endpoint["provider"].as_str()).collect();
    // Several endpoints of one provider stand together.
    providers.dedup();
    vec![
        model["id"].as_str().unwrap_or_default().to_owned(),
        model["context_length"].as_u64().map_or_else(|| "?".to_owned(), |n| n.to_string()),
        per_million(&model["price"]["prompt"]),
        per_million(&model["price"]["completion"]),
        providers.join(", "),
        model["display_name"].as_str().unwrap_or_default().to_owned(),
    ]
}
