//! A server as a child process: started, waited for until it is ready, ended with this process.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Full;

use crate::endpoint::READY_PATH;
use crate::load::connect;

/// A first start may create a database, load model weights or compile a large Python program.
const READY_WITHIN: Duration = Duration::from_secs(120);
const ATTEMPT_WITHIN: Duration = Duration::from_secs(1);
const ATTEMPT_EVERY: Duration = Duration::from_millis(20);
const QUOTED_LOG_LINES: usize = 20;

/// Where a server will listen, and how it is known that it does.
#[derive(Clone, Copy, Debug)]
pub enum Listening {
    /// It is ready when it answers 200 at the path.
    At(SocketAddr, &'static str),
    /// On a loopback port that it chooses, and prints as part of a URL when it is ready.
    Printed,
}

/// Ends the process when dropped.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Both fail only when the process has ended already.
    child.kill().ok();
    child.wait().ok();
}

/// A port that was free a moment ago. Another process may take it before the server does; the
/// server then fails to start and says so.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?)
}

impl Process {
    /// Starts this same program as one of its parts.
    pub(crate) async fn start_part(
        name: &'static str,
        upstream: Option<SocketAddr>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args([name, "--listen", &address.to_string(), "--until-stdin-closes"]);
        if let Some(upstream) = upstream {
            command.args(["--upstream", &upstream.to_string()]);
        }
        Self::start(name, command, Listening::At(address, READY_PATH), folder).await
    }

    /// Starts a server with its output in a log under `folder`, and waits until it is ready.
    pub async fn start(
        name: &'static str,
        mut command: Command,
        listening: Listening,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::create(&log).context("cannot create a log file")?;
        let child = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}: {:?}", command.get_program()))?;
        let mut starting = Starting { name, child: Some(child), log, listening };
        starting.wait().await
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what the server printed, for an error message.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log)
    }
}

fn log_tail(log: &Path) -> String {
    let log = read_log(log);
    let lines: Vec<&str> = log.lines().collect();
    if lines.is_empty() {
        return "it printed nothing".to_owned();
    }
    let last = &lines[lines.len().saturating_sub(QUOTED_LOG_LINES)..];
    format!("the last that it printed:\n{}", last.join("\n"))
}

fn read_log(log: &Path) -> String {
    std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A server that is not known to be ready yet; ends when dropped in that state.
struct Starting {
    name: &'static str,
    /// Given away once it is ready.
    child: Option<Child>,
    log: PathBuf,
    listening: Listening,
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

impl Starting {
    async fn wait(&mut self) -> anyhow::Result<Process> {
        let begun = Instant::now();
        loop {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().transpose());
            if let Some(status) = ended.transpose()? {
                bail!("{} ended at its start with {status}; {}", self.name, log_tail(&self.log));
            }
            let missing = match self.attempt().await {
                Ok(address) => {
                    let child = self.child.take().context("the server was given away")?;
                    return Ok(Process { address, child, log: self.log.clone() });
                }
                Err(missing) => missing,
            };
            if begun.elapsed() > READY_WITHIN {
                bail!(
                    "{} was not ready within {READY_WITHIN:?} ({missing:#}); {}",
                    self.name,
                    log_tail(&self.log)
                );
            }
            tokio::time::sleep(ATTEMPT_EVERY).await;
        }
    }

    /// The address of a server that says it is ready; an error says what is missing so far.
    async fn attempt(&self) -> anyhow::Result<SocketAddr> {
        match self.listening {
            Listening::At(address, path) => {
                tokio::time::timeout(ATTEMPT_WITHIN, says_ready(address, path))
                    .await
                    .with_context(|| format!("it did not answer at {path}"))??;
                Ok(address)
            }
            Listening::Printed => {
                printed_address(&read_log(&self.log)).context("it has not printed its URL")
            }
        }
    }
}

/// The address in the first loopback URL of a log.
fn printed_address(log: &str) -> Option<SocketAddr> {
    let (_, url) = log.split_once("http://127.0.0.1:")?;
    let port: String = url.chars().take_while(char::is_ascii_digit).collect();
    // A log is read while it is written: a port that nothing follows may not be whole.
    url.get(port.len()..).filter(|rest| !rest.is_empty())?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)))
}

async fn says_ready(address: SocketAddr, path: &str) -> anyhow::Result<()> {
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .body(Full::new(Bytes::new()))?;
    let response = connect(address).await?.send_request(request).await?;
    if response.status() != StatusCode::OK {
        bail!("it answered {} at {path}", response.status());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_log_once_it_is_whole() {
        let whole = "INFO start\nhttp://127.0.0.1:35971/openai/v1\n";
        assert_eq!(printed_address(whole), Some(SocketAddr::from(([127, 0, 0, 1], 35971))));
        assert_eq!(printed_address("http://127.0.0.1:359"), None);
        assert_eq!(printed_address("INFO start\n"), None);
    }
}
