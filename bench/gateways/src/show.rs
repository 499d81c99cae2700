//! In which form results are printed, and `report`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::results::Results;
use crate::{readme, report};

#[derive(Args)]
pub(crate) struct Form {
    /// Print the raw figures of every window as JSON instead of the tables
    #[arg(long)]
    json: bool,
    /// Print one short Markdown table with date and method, as a README shows it
    #[arg(long, conflicts_with = "json")]
    readme: bool,
}

#[derive(Args)]
pub(crate) struct ReportOptions {
    /// What `run --save` or `run --json` wrote
    file: PathBuf,
    #[command(flatten)]
    form: Form,
}

pub(crate) fn report(options: &ReportOptions) -> anyhow::Result<()> {
    let path = options.file.display();
    let text = fs::read(&options.file).with_context(|| format!("cannot read {path}"))?;
    let results: Results = serde_json::from_slice(&text)
        .with_context(|| format!("{path} is not what `run --save` writes"))?;
    options.form.print(&results)
}

impl Form {
    pub(crate) fn print(&self, results: &Results) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(results)?);
        } else if self.readme {
            println!("{}", readme::table(results));
        } else {
            println!("{}", report::markdown(results));
        }
        Ok(())
    }
}
