//! `overhead-bench`: what the Backstay server adds to a model call, next to floors in the same run.
#![expect(clippy::print_stdout, reason = "a command line tool whose result is its output")]
#![expect(clippy::print_stderr, reason = "progress goes where it does not mix with the result")]

mod report;
mod run;

use bench_harness::{Part, block_on_one_thread};
use clap::{Parser, Subcommand};

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
    #[command(flatten)]
    Part(Part),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(options) => block_on_one_thread(run::run(options)),
        Command::Part(part) => part.run(),
    }
}
