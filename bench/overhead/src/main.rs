//! `overhead-bench`: what the Backstay server adds to a model call, next to floors in the same run.
#![expect(clippy::print_stdout, reason = "a command line tool whose result is its output")]
#![expect(clippy::print_stderr, reason = "progress goes where it does not mix with the result")]

mod answer;
mod backstay;
mod canned;
mod cell;
mod compare;
mod endpoint;
mod floor_axum;
mod floor_hyper;
mod load;
mod machine;
mod process;
mod process_usage;
mod record;
mod report;
mod rounds;
mod run;
mod samples;
mod upstream;

use std::future::Future;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

#[derive(Parser)]
#[command(
    about = "Measure the overhead that Backstay adds to a model call, as ratios to floors",
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunOptions,
}

#[derive(Subcommand)]
enum Command {
    /// Start upstream, floors and Backstay, measure them in turn, print a table (the default)
    Run(run::RunOptions),
    /// Drive one server that is already running
    Load(load::LoadOptions),
    /// Serve the cheap mock model that all the others call
    Upstream(endpoint::ListenOptions),
    /// Serve a bare hyper reverse proxy: the least that any proxy costs
    FloorHyper(endpoint::ProxyOptions),
    /// Serve an axum + reqwest gateway that parses both JSON bodies: the least an honest gateway costs
    FloorAxum(endpoint::ProxyOptions),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(options) => block_on(one_thread(), run::run(options)),
        Command::Load(options) => block_on(one_thread(), load::run(options)),
        Command::Upstream(options) => block_on(one_thread(), upstream::serve(options)),
        // The floors get what an ordinary server gets: one worker thread for each core.
        Command::FloorHyper(options) => block_on(thread_per_core(), floor_hyper::serve(options)),
        Command::FloorAxum(options) => block_on(thread_per_core(), floor_axum::serve(options)),
    }
}

fn one_thread() -> Builder {
    Builder::new_current_thread()
}

fn thread_per_core() -> Builder {
    Builder::new_multi_thread()
}

fn block_on(
    mut builder: Builder,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let runtime: Runtime =
        builder.enable_all().build().context("cannot start the async runtime")?;
    runtime.block_on(work)
}
