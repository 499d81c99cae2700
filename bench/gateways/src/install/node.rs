//! npm packages in a folder of their own.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use tokio::process::Command;

use super::{Cache, fingerprint, output_of, stamp_of, write_stamp};

impl Cache {
    /// A folder with `node_modules`, which holds exactly what `lock` names. npm checks every
    /// package against its hash there; scripts of packages are not run.
    pub(crate) async fn node(
        &self,
        name: &str,
        package: &str,
        lock: &str,
    ) -> anyhow::Result<PathBuf> {
        let version = output_of(Command::new("node").arg("--version")).await?;
        let wanted = fingerprint(&[package.as_bytes(), lock.as_bytes(), version.as_bytes()]);
        let folder = self.folder.join(name);
        if stamp_of(&folder).as_ref() != Some(&wanted) {
            eprintln!("installing {name}; this is needed once");
            self.clear(name)?;
            fs::write(folder.join("package.json"), package)
                .and_then(|()| fs::write(folder.join("package-lock.json"), lock))
                .context("cannot write the lock file")?;
            let flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            output_of(Command::new("npm").arg("ci").args(flags).current_dir(&folder)).await?;
            write_stamp(&folder, &wanted)?;
        }
        Ok(folder)
    }
}
