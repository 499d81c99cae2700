//! `backstay import litellm`: a configuration of LiteLLM's proxy as one of Backstay's.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use backstay_providers::Environment;
use backstay_server::Config;
use clap::Args;
use serde::Serialize;

use crate::{
    litellm::{Report, convert},
    output::Output,
};

/// A configuration that is larger was generated, and its generator is what should be changed.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Turn a configuration of LiteLLM's proxy (config.yaml) into one of Backstay's.
///
/// Prints the configuration, and on standard error what was taken, what works in another way and
/// what has no counterpart, with line numbers. Keys that stand in the file are not written down:
/// the report says which environment variables to put them into.
#[derive(Args)]
pub(crate) struct ImportLitellm {
    /// LiteLLM's configuration (YAML).
    file: PathBuf,
    /// Write the configuration to this file instead.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file that --output names.
    #[arg(long, requires = "output")]
    force: bool,
}

/// The result for programs.
#[derive(Serialize)]
struct Imported<'a> {
    /// The configuration, unless it was written to a file.
    config: Option<&'a str>,
    output: Option<&'a Path>,
    #[serde(flatten)]
    report: &'a Report,
}

impl ImportLitellm {
    pub(crate) fn run(self, output: Output) -> Result<ExitCode> {
        let name = self.file.display();
        let conversion = read(&self.file)
            .and_then(|text| convert(&text, &Environment::of_process()))
            .with_context(|| format!("{name} cannot be imported"))?;
        Config::parse(&conversion.config).context("what was made of it is not valid")?;
        if let Some(path) = &self.output {
            write(path, &conversion.config, self.force)?;
        }
        if !output.is_json() {
            output.note(conversion.report.text().trim_end());
            if let Some(path) = &self.output {
                output.note(&format!("written to {}", path.display()));
                return Ok(ExitCode::SUCCESS);
            }
        }
        let imported = Imported {
            config: self.output.is_none().then_some(&conversion.config),
            output: self.output.as_deref(),
            report: &conversion.report,
        };
        output.show(&imported, |_| conversion.config.clone());
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> Result<String> {
    let size = fs::metadata(path).context("cannot read it")?.len();
    if size > FILE_BYTES_MAX {
        bail!("it is larger than {FILE_BYTES_MAX} bytes");
    }
    fs::read_to_string(path).context("cannot read it")
}

fn write(path: &Path, config: &str, force: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let opened = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{} is there already; --force overwrites it", path.display())
        }
        _ => anyhow::Error::new(error).context(format!("cannot write {}", path.display())),
    });
    let mut file = opened?;
    file.write_all(config.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
