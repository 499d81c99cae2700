//! How well memory recalls: evidence recall on LoCoMo and BEAM, through the real store.
//!
//! `cargo run --release -p backstay-memory --example locomo -- --data FILE [--models FOLDER] [--beam]`.
//! What is measured, and how to obtain the data, is in `bench/memory/README.md`.

mod beam;
mod dataset;
mod evaluate;
mod locomo;
mod report;

use std::{path::PathBuf, process::ExitCode};

use backstay_core::Error;

struct Arguments {
    data: PathBuf,
    /// Without it only words and structure are measured.
    models: Option<PathBuf>,
    beam: bool,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        report::complain("usage: locomo --data FILE [--models FOLDER] [--beam]");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&format!("{error} {}", error.context().unwrap_or_default()));
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    let (mut data, mut models, mut beam) = (None, None, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--data" => data = Some(words.next()?.into()),
            "--models" => models = Some(words.next()?.into()),
            "--beam" => beam = true,
            _ => return None,
        }
    }
    Some(Arguments { data: data?, models, beam })
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let text = std::fs::read_to_string(&arguments.data)
        .map_err(|cause| Error::invalid(format!("{}: {cause}", arguments.data.display())))?;
    let dataset = if arguments.beam { beam::read(&text)? } else { locomo::read(&text)? };
    let runtime =
        tokio::runtime::Runtime::new().map_err(|cause| Error::internal(cause.to_string()))?;
    runtime.block_on(evaluate::all(&dataset, arguments.models.as_deref()))
}
