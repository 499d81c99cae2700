//! The parent's side: start the process, believe nothing of it beyond its bounds, and see that it ends.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    pin::pin,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdout, Command},
    sync::Semaphore,
    time::timeout,
};

use super::COMMAND;
use crate::{
    Block, ErrorKind, Event, Limits, ParseError, Parsed, Progress, Summary, format,
    limits::{MESSAGE_BYTES_MAX, NOTES_MAX},
    parse,
};

/// Enough of what a dying process says to know why.
const LAST_WORDS_BYTES: u64 = 4 << 10;

/// Reads files, each in a process of its own. Cheap to clone; clones share the limit on processes.
#[derive(Clone, Debug)]
pub struct Parser {
    place: Place,
    limits: Arc<Limits>,
    slots: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Place {
    Process(PathBuf),
    Here,
}

impl Parser {
    /// `program` is one that calls [`super::run`] if its first argument is [`COMMAND`].
    pub fn new(program: impl Into<PathBuf>, limits: Limits) -> Self {
        Self::at(Place::Process(program.into()), limits)
    }

    /// With the program that is running; also when its file was replaced since it was started.
    pub fn of_this_program(limits: Limits) -> io::Result<Self> {
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Self::new(program, limits))
    }

    /// For tests of what comes after, whose program is a test: without a process, and so without
    /// protection from the file.
    pub fn in_this_process(limits: Limits) -> Self {
        Self::at(Place::Here, limits)
    }

    fn at(place: Place, limits: Limits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.processes.max(1) as usize));
        Self { place, limits: Arc::new(limits), slots }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads an open file, from where it stands, whose name was `name`. Waits while as many processes as are allowed are at
    /// work; the file's own time begins after that. Dropping the future ends the process.
    pub async fn parse(
        &self,
        name: &str,
        file: File,
        mut progress: impl FnMut(Progress),
    ) -> Result<Parsed, ParseError> {
        let _slot = self.slots.acquire().await.map_err(ParseError::failed)?;
        let program = match &self.place {
            Place::Process(program) => program,
            Place::Here => return self.parse_here(name, file).await,
        };
        let mut child =
            self.start(program, &format::extension(name), file).map_err(ParseError::failed)?;
        let time = Duration::from_secs(u64::from(self.limits.seconds));
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(ParseError::failed("its output is missing"));
        };
        let told = timeout(time, async {
            let mut listening = pin!(self.listen(output, &mut progress));
            let mut errors = pin!(last_words(errors));
            let mut heard = None;
            let told = loop {
                tokio::select! {
                    told = &mut listening => break told?,
                    words = &mut errors, if heard.is_none() => heard = Some(words),
                }
            };
            match (told, heard) {
                (Some(told), _) => Ok(told),
                (None, Some(words)) => Err(died(&mut child, &words, &self.limits).await),
                (None, None) => Err(died(&mut child, &errors.await, &self.limits).await),
            }
        })
        .await;
        stop(&mut child).await;
        told.unwrap_or_else(|_| Err(timed_out(self.limits.seconds)))
    }

    async fn parse_here(&self, name: &str, mut file: File) -> Result<Parsed, ParseError> {
        let (limits, name) = (Arc::clone(&self.limits), name.to_owned());
        let read = move || {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(ParseError::failed)?;
            parse(&limits, &name, bytes)
        };
        tokio::task::spawn_blocking(read).await.map_err(ParseError::failed)?
    }

    fn start(&self, program: &Path, extension: &str, file: File) -> io::Result<Child> {
        let limits = serde_json::to_string(&*self.limits).map_err(io::Error::other)?;
        let mut command = Command::new(program);
        command
            .args([OsString::from(COMMAND), extension.into(), limits.into()])
            .env_clear()
            // An allocator that holds a gigabyte of addresses in advance has them already when the
            // limit is set.
            .envs([("MIMALLOC_ARENA_RESERVE", "4096"), ("MIMALLOC_PURGE_DELAY", "0")])
            .current_dir("/")
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }

    /// All that the child says, or `None` if it ended without a last word.
    async fn listen(
        &self,
        output: ChildStdout,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<Parsed>, ParseError> {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        let mut heard =
            Heard { limits: &self.limits, blocks: Vec::new(), notes: Vec::new(), weight: 0 };
        loop {
            line.clear();
            let mut bounded = (&mut output).take(MESSAGE_BYTES_MAX as u64);
            if bounded.read_until(b'\n', &mut line).await.map_err(ParseError::failed)? == 0 {
                return Ok(None);
            }
            if line.last() != Some(&b'\n') {
                // Either it died in the middle of a line, or the line has no end.
                return if line.len() < MESSAGE_BYTES_MAX {
                    Ok(None)
                } else {
                    Err(out_of_bounds())
                };
            }
            match serde_json::from_slice(&line).map_err(|_| out_of_bounds())? {
                Event::Progress(event) => progress(event),
                Event::Block(block) => heard.block(block)?,
                Event::Note(note) => heard.note(note)?,
                Event::Done(summary) => return Ok(Some(heard.whole(summary))),
                Event::Failed(reason) => return Err(plain(reason)),
            }
        }
    }
}

struct Heard<'l> {
    limits: &'l Limits,
    blocks: Vec<Block>,
    notes: Vec<String>,
    weight: u64,
}

impl Heard<'_> {
    fn block(&mut self, block: Block) -> Result<(), ParseError> {
        self.weight += block.content.weight();
        if self.blocks.len() >= self.limits.blocks as usize || self.weight > self.limits.text_bytes
        {
            return Err(out_of_bounds());
        }
        self.blocks.push(block);
        Ok(())
    }

    fn note(&mut self, note: String) -> Result<(), ParseError> {
        if self.notes.len() >= NOTES_MAX {
            return Err(out_of_bounds());
        }
        self.notes.push(printable(&note));
        Ok(())
    }

    fn whole(self, summary: Summary) -> Parsed {
        let title = summary.title.as_deref().map(printable);
        Parsed { summary: Summary { title, ..summary }, blocks: self.blocks, notes: self.notes }
    }
}

async fn last_words(errors: ChildStderr) -> String {
    let mut heard = Vec::new();
    let mut errors = errors.take(LAST_WORDS_BYTES);
    // What cannot be read was not said.
    let _ = errors.read_to_end(&mut heard).await;
    drain(errors.into_inner()).await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// So that a talkative child does not wait for a reader.
async fn drain(mut rest: impl AsyncRead + Unpin) {
    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
}

/// Why a process ended that did not say it.
async fn died(child: &mut Child, last_words: &str, limits: &Limits) -> ParseError {
    let status = match child.wait().await {
        Ok(status) => status,
        Err(cause) => return ParseError::failed(cause),
    };
    if last_words.contains("memory allocation of") {
        return out_of_memory();
    }
    if last_words.contains("overflowed its stack") {
        return ParseError::new(
            ErrorKind::TooDeep,
            "This file is nested deeper than any ordinary document. Flatten it and upload it again.",
        );
    }
    match signal(status) {
        Some(Signal::CpuTime) => timed_out(limits.seconds),
        // The kernel takes the process that has most when the machine has nothing left.
        Some(Signal::Kill) => out_of_memory(),
        Some(Signal::Fault) => {
            ParseError::damaged("file", "the reader for this format broke on it")
        }
        None => ParseError::failed(format_args!("it ended with {status}")),
    }
}

enum Signal {
    CpuTime,
    Kill,
    Fault,
}

#[cfg(unix)]
fn signal(status: std::process::ExitStatus) -> Option<Signal> {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal as Sent;
    let number = status.signal()?;
    Some(match number {
        _ if number == Sent::XCPU.as_raw() => Signal::CpuTime,
        _ if number == Sent::KILL.as_raw() => Signal::Kill,
        _ => Signal::Fault,
    })
}

#[cfg(not(unix))]
fn signal(_: std::process::ExitStatus) -> Option<Signal> {
    None
}

/// Ends the process and whatever it may have started, and waits until it is gone.
async fn stop(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) =
        child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
    {
        // It may have ended by itself in this moment.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill().await;
}

fn timed_out(seconds: u32) -> ParseError {
    ParseError::new(
        ErrorKind::TimedOut,
        format!(
            "Reading this file takes more than {seconds} s, the most that is spent on one. Split it, or save it again in its program, and upload that."
        ),
    )
}

fn out_of_memory() -> ParseError {
    ParseError::new(
        ErrorKind::OutOfMemory,
        "Reading this file takes more memory than is given to one. Split it, or save it without pictures, and upload that.",
    )
}

fn out_of_bounds() -> ParseError {
    ParseError::failed("it said more than it may")
}

/// A child that a file has taken over says what it likes; a person still reads one short line.
fn plain(reason: ParseError) -> ParseError {
    ParseError { message: printable(&reason.message), ..reason }
}

fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(500).collect()
}
