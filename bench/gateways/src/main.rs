//! `gateways-bench`: Backstay, floors and other gateways in front of the same model server, in one
//! run.
#![expect(clippy::print_stdout, reason = "a command line tool whose result is its output")]
#![expect(clippy::print_stderr, reason = "progress goes where it does not mix with the result")]

mod install;
mod peers;
mod readme;
mod report;
mod results;
mod run;
mod show;
mod standing;

use bench_harness::{Part, block_on_one_thread};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    about = "Measure Backstay beside other gateways: same machine, same upstream, same minutes",
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
    /// Install the peers if need be, start all servers, measure them in turn, print tables (the default)
    Run(run::RunOptions),
    /// Print the tables of an earlier run again
    Report(show::ReportOptions),
    #[command(flatten)]
    Part(Part),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(options) => block_on_one_thread(run::run(options)),
        Command::Report(options) => show::report(&options),
        Command::Part(part) => part.run(),
    }
}
