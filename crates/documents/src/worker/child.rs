//! The process that reads one file: from standard input to JSON lines on standard output.

use std::{
    ffi::OsString,
    io::{self, BufWriter, Read, Write},
    panic,
    process::ExitCode,
};

use super::sandbox;
use crate::{Event, Limits, ParseError, parse_into};

/// Reads the file on standard input and writes what it holds to standard output, one [`Event`] a line
/// in JSON. `arguments` are those after [`super::COMMAND`]: the file name's extension and the limits as
/// JSON. Call it before any thread is started: a thread takes memory that the file could need.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut output = BufWriter::new(io::stdout().lock());
    let extension = arguments.next().and_then(|text| text.into_string().ok());
    let limits = arguments.next().and_then(|text| text.into_string().ok());
    let limits = limits.and_then(|text| serde_json::from_str::<Limits>(&text).ok());
    let (Some(extension), Some(limits)) = (extension, limits) else {
        let reason = ParseError::failed(
            "it was started in another way than a server does: EXTENSION LIMITS",
        );
        return end(&mut output, Event::Failed(reason));
    };
    // What a panic has to say is of no use to anybody who sent a broken file.
    panic::set_hook(Box::new(|_| {}));
    if let Err(cause) = sandbox::confine(&limits) {
        let reason =
            ParseError::failed(format_args!("this system does not let it be confined: {cause}"));
        return end(&mut output, Event::Failed(reason));
    }
    let read = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let bytes = read_input(&limits)?;
        parse_into(&limits, &extension, bytes, &mut |event| write(&mut output, &event))
    }));
    let last = match read {
        Ok(Ok(summary)) => Event::Done(summary),
        Ok(Err(reason)) => Event::Failed(reason),
        Err(_) => Event::Failed(ParseError::damaged(
            "file",
            "the reader for this format could not make sense of it",
        )),
    };
    end(&mut output, last)
}

fn read_input(limits: &Limits) -> Result<Vec<u8>, ParseError> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(limits.file_bytes + 1);
    input.read_to_end(&mut bytes).map_err(ParseError::failed)?;
    Ok(bytes)
}

fn write(output: &mut impl Write, event: &Event) -> Result<(), ParseError> {
    let told = serde_json::to_writer(&mut *output, event)
        .map_err(io::Error::from)
        .and_then(|()| output.write_all(b"\n"));
    // Progress is of use at once only.
    let told =
        if matches!(event, Event::Progress(_)) { told.and_then(|()| output.flush()) } else { told };
    told.map_err(ParseError::failed)
}

fn end(output: &mut impl Write, event: Event) -> ExitCode {
    let told = write(output, &event).is_ok() && output.flush().is_ok();
    if told { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
