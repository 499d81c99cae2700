//! Installs the peers outside the checkout: every file is pinned by version and by hash, and nothing
//! of a package runs while it is installed.

mod node;
mod python;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

/// What a finished installation writes last, so that one that broke off is begun again.
const STAMP: &str = "installed";
const QUOTED_ERROR_CHARS: usize = 600;

/// The folder that keeps installed peers from run to run.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// `given`, or `backstay/bench-peers` in the user's cache folder.
    pub(crate) fn open(given: Option<PathBuf>) -> anyhow::Result<Self> {
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let cache = || std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        let folder = given
            .or_else(|| Some(cache()?.join("backstay").join("bench-peers")))
            .context("there is no HOME to install the peers under; give --cache FOLDER")?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        // Peers run in a folder of their own, so their paths must not depend on this one.
        let folder = fs::canonicalize(&folder)?;
        Ok(Self { folder })
    }

    /// The folder of one peer, empty.
    fn clear(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

fn stamp_of(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(STAMP)).ok()
}

fn write_stamp(folder: &Path, stamp: &str) -> anyhow::Result<()> {
    fs::write(folder.join(STAMP), stamp)
        .with_context(|| format!("cannot write to {}", folder.display()))
}

/// Changes with what is pinned and with the interpreter that it was installed for.
fn fingerprint(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a command prints. The error quotes the end of what it said.
async fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command
        .kill_on_drop(true)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot run {program}; is it installed and on the PATH?"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let skipped = said.chars().count().saturating_sub(QUOTED_ERROR_CHARS);
        let end: String = said.chars().skip(skipped).collect();
        bail!("{program} failed with {}: {}", output.status, end.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
