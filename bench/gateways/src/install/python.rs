//! Python packages in a virtual environment of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::{Cache, fingerprint, output_of, stamp_of, write_stamp};

impl Cache {
    /// The interpreter of a virtual environment that holds exactly what `lock` names.
    ///
    /// `lock` is a requirements file with hashes, and only wheels are taken: a wheel is unpacked
    /// and not run. What Python would run by itself at its next start is compared with what was
    /// there before, because that is how poisoned releases of LiteLLM came to life.
    pub(crate) async fn python(&self, name: &str, lock: &str) -> anyhow::Result<PathBuf> {
        let version = output_of(Command::new("python3").args(["-c", VERSION])).await?;
        let wanted = fingerprint(&[lock.as_bytes(), version.as_bytes()]);
        let folder = self.folder.join(name);
        if stamp_of(&folder) != Some(stamp(&wanted, &startup_files(&folder)?)) {
            eprintln!("installing {name}; this is needed once");
            self.clear(name)?;
            install(&folder, lock, &wanted).await?;
        }
        Ok(folder.join("bin").join("python"))
    }
}

const VERSION: &str = "import sys; print(sys.version, sys.prefix)";

async fn install(folder: &Path, lock: &str, wanted: &str) -> anyhow::Result<()> {
    output_of(Command::new("python3").args(["-m", "venv"]).arg(folder))
        .await
        .context("cannot create a virtual environment")?;
    let before = startup_files(folder)?;
    let requirements = folder.join("requirements.lock");
    fs::write(&requirements, lock).context("cannot write the lock file")?;
    output_of(
        Command::new(folder.join("bin").join("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
            .arg(&requirements),
    )
    .await?;
    let after = startup_files(folder)?;
    if let Some(stray) = after.keys().find(|path| after.get(*path) != before.get(*path)) {
        bail!(
            "the packages brought {}, which Python runs at every start; nothing was started. Read \
             it before you go on",
            stray.display()
        );
    }
    write_stamp(folder, &stamp(wanted, &after))
}

fn stamp(wanted: &str, startup_files: &BTreeMap<PathBuf, String>) -> String {
    let mut stamp = format!("{wanted}\n");
    for (path, digest) in startup_files {
        stamp.push_str(&format!("{digest} {}\n", path.display()));
    }
    stamp
}

/// The files that Python runs when it starts, with digests: `*.pth`, and the two modules that
/// `site` imports (<https://docs.python.org/3/library/site.html>).
fn startup_files(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let library = folder.join("lib");
    if !library.is_dir() {
        return Ok(found);
    }
    for python in fs::read_dir(&library)? {
        let packages = python?.path().join("site-packages");
        if !packages.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&packages)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let runs = name.ends_with(".pth")
                || ["sitecustomize", "usercustomize"].iter().any(|module| {
                    name.strip_prefix(module)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
            if runs {
                let content = if path.is_dir() { Vec::new() } else { fs::read(&path)? };
                found.insert(path, fingerprint(&[&content]));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_run_at_a_start_are_found_and_a_change_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let packages = folder.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(&packages).unwrap();
        fs::write(packages.join("ordinary.py"), "x = 1").unwrap();
        assert!(startup_files(folder.path()).unwrap().is_empty());

        for name in ["stray.pth", "sitecustomize.py"] {
            fs::write(packages.join(name), "import os").unwrap();
        }
        let first = startup_files(folder.path()).unwrap();
        assert_eq!(first.len(), 2, "{first:?}");

        fs::write(packages.join("stray.pth"), "import sys").unwrap();
        let second = startup_files(folder.path()).unwrap();
        assert_ne!(stamp("wanted", &first), stamp("wanted", &second));
    }
}
