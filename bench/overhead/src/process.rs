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

/// A first start may create a database and load model weights.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ATTEMPT_WITHIN: Duration = Duration::from_secs(1);
const ATTEMPT_EVERY: Duration = Duration::from_millis(20);
const QUOTED_LOG_LINES: usize = 20;

/// Ends the process when dropped.
pub(crate) struct Server {
    name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that was free a moment ago. Another process may take it before the server does; the
/// server then fails to start and says so.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free loopback port")?;
    Ok(listener.local_addr()?)
}

impl Server {
    /// Starts this same program as one of its servers.
    pub(crate) async fn start_own(
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
        Self::start(name, command, address, folder).await
    }

    /// Starts a server that will answer at `address`, with its output in a log under `folder`, and
    /// waits until it says that it is ready.
    pub(crate) async fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
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
        let mut server = Self { name, address, child, log };
        server.wait_until_ready().await?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what the server printed, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        if lines.is_empty() {
            return "it printed nothing".to_owned();
        }
        let last = &lines[lines.len().saturating_sub(QUOTED_LOG_LINES)..];
        format!("the last that it printed:\n{}", last.join("\n"))
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at its start with {status}; {}", self.name, self.log_tail());
            }
            let attempt = tokio::time::timeout(ATTEMPT_WITHIN, says_ready(self.address)).await;
            if matches!(attempt, Ok(Ok(true))) {
                return Ok(());
            }
            if begun.elapsed() > READY_WITHIN {
                let last = match attempt {
                    Ok(Ok(_)) => "its answer was not 200".to_owned(),
                    Ok(Err(error)) => format!("{error:#}"),
                    Err(_) => "it did not answer".to_owned(),
                };
                bail!(
                    "{} was not ready at http://{}{READY_PATH} within {READY_WITHIN:?} ({last}); {}",
                    self.name,
                    self.address,
                    self.log_tail()
                );
            }
            tokio::time::sleep(ATTEMPT_EVERY).await;
        }
    }
}

async fn says_ready(address: SocketAddr) -> anyhow::Result<bool> {
    let request = Request::get(READY_PATH)
        .header(header::HOST, address.to_string())
        .body(Full::new(Bytes::new()))?;
    let response = connect(address).await?.send_request(request).await?;
    Ok(response.status() == StatusCode::OK)
}
