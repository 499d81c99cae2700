//! `backstay bench`: how well it works, on this machine and on any data.

mod chat;
mod documents;
mod memory;
mod progress;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{client::Connection, output::Output};

#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Memory(memory::MemoryBench),
    Documents(documents::DocumentsBench),
}

impl Bench {
    pub(crate) async fn run(self, connection: &Connection, output: Output) -> Result<ExitCode> {
        match self.what {
            What::Memory(bench) => bench.run(connection, output).await,
            What::Documents(bench) => bench.run(output).await,
        }
    }
}
