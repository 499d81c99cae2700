//! The `backstay` binary.
#![expect(clippy::print_stderr, reason = "a command line says what went wrong on standard error")]

mod client;
mod commands;
mod import;
mod litellm;
mod output;
mod terminal;

use std::process::ExitCode;

use backstay_documents::worker;
use clap::{Parser, Subcommand};

use crate::{client::Connection, commands::*, output::Output};

/// A call makes many short-lived allocations on several threads; with the system's allocator they
/// took an eighth of its CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One server between your applications and language models: any client, any model, and it
/// remembers.
///
/// Start with `backstay serve`, then point any OpenAI or Anthropic client at it. The other commands
/// talk to a running server, as any client would.
#[derive(Parser)]
#[command(name = "backstay", version, max_term_width = 100)]
struct Arguments {
    /// Print machine-readable JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Talk to a model in the terminal; the conversation is kept and remembered.
    Chat(chat::Chat),
    /// Search, state, change, explain and forget what is remembered.
    Memory(memory::MemoryCommand),
    /// Upload, find and delete files in which a model looks things up.
    Documents(commands::documents::Documents),
    /// List the models that can be called, or install the embedding model.
    Models(models::Models),
    /// Show how calls find their endpoints.
    Route(route::RouteCommand),
    /// Bring conversations into memory from a file, or a configuration from another gateway.
    Import(commands::import::Import),
    /// List work that waits or was given up on, try it again, or discard it.
    Jobs(jobs::Jobs),
    /// Make, limit, rotate and take back API keys.
    Key(key::KeyCommand),
    /// Approve or deny the login of a device that shows a code.
    Login(commands::login::Login),
    /// Show and change what holds for every call of the workspace.
    Workspace(workspace::Workspace),
    /// Sum up what calls have used and cost.
    Ledger(ledger::Ledger),
    /// Move everything to another store: from a data folder to PostgreSQL, or back.
    Migrate(migrate::Migrate),
    /// Check the installation and say what to do about what is wrong.
    Doctor(doctor::Doctor),
    /// Show the main job: a year of conversation remembered across two models.
    Demo(demo::Demo),
    /// Measure how well it works.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    // Before any thread is started, and known to no help text: how the server reads a document.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == worker::COMMAND) {
        return worker::run(arguments);
    }
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    let connection = arguments.connection;
    let outcome = match arguments.command {
        Command::Serve(command) => command.run(output).await,
        Command::Chat(command) => command.run(&connection, output).await,
        Command::Memory(command) => command.run(&connection, output).await,
        Command::Documents(command) => command.run(&connection, output).await,
        Command::Models(command) => command.run(&connection, output).await,
        Command::Route(command) => command.run(&connection, output).await,
        Command::Import(command) => command.run(&connection, output).await,
        Command::Jobs(command) => command.run(&connection, output).await,
        Command::Key(command) => command.run(&connection, output).await,
        Command::Login(command) => command.run(&connection, output).await,
        Command::Workspace(command) => command.run(&connection, output).await,
        Command::Ledger(command) => command.run(&connection, output).await,
        Command::Migrate(command) => command.run(output).await,
        Command::Doctor(command) => command.run(&connection, output).await,
        Command::Demo(command) => command.run(output).await,
        Command::Bench(command) => command.run(&connection, output).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}
