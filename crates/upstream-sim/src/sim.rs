//! A running simulator, for use inside a test or a program.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::connection;
use crate::fault::ScriptError;
use crate::ledger::Charge;
use crate::openrouter::catalogue::Catalogue;
use crate::record::RequestRecord;
use crate::router::{self, App};
use crate::script::Script;

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether requests are kept for [`Sim::requests`]. Benches switch it off.
    pub record_requests: bool,
}

impl Default for Options {
    /// A free port of the loopback interface; requests are kept.
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), record_requests: true }
    }
}

/// A running simulator. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    app: Arc<App>,
    server: JoinHandle<()>,
}

/// Waited in vain for something to be recorded.
#[derive(Debug, thiserror::Error)]
#[error("the simulator saw nothing of the kind within {waited_ms} ms")]
pub struct NotSeen {
    /// How long, in milliseconds.
    pub waited_ms: u128,
    /// What it saw instead.
    pub requests: Vec<RequestRecord>,
}

impl Sim {
    /// Starts on the current Tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let app = Arc::new(App::new(options.record_requests));
        let router = router::router(Arc::clone(&app));
        let server = tokio::spawn(connection::accept_loop(listener, router));
        Ok(Self { address, app, server })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://host:port`, without a slash at the end. OpenAI clients add `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The credentials file of a Google service account whose tokens this simulator takes.
    #[must_use]
    pub fn service_account(&self) -> String {
        let file = crate::vertex::token::credentials(&self.base_url());
        file.unwrap_or_default().to_string()
    }

    /// Adds a script behind those that its model has already.
    ///
    /// # Errors
    /// If too many scripts wait.
    pub fn script(&self, script: Script) -> Result<(), ScriptError> {
        self.app.scripts.add(script)
    }

    /// Answers as OpenRouter with this catalogue from now on.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        self.app.shelf.set(catalogue);
    }

    /// The last requests, oldest first; at most [`MAX_RECORDS`](crate::MAX_RECORDS).
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.app.recorder.requests()
    }

    /// Waits until the recorded requests fulfil a condition, and returns them.
    ///
    /// # Errors
    /// If they do not within `timeout`.
    pub async fn wait_for(
        &self,
        timeout: Duration,
        condition: impl Fn(&[RequestRecord]) -> bool,
    ) -> Result<Vec<RequestRecord>, NotSeen> {
        let watch = async {
            loop {
                // Registered before looking, so that no change falls in between.
                let mut changed = std::pin::pin!(self.app.recorder.changed());
                changed.as_mut().enable();
                let requests = self.requests();
                if condition(&requests) {
                    return requests;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, watch)
            .await
            .map_err(|_| NotSeen { waited_ms: timeout.as_millis(), requests: self.requests() })
    }

    /// What was charged, one entry for each answer that was begun and has ended.
    #[must_use]
    pub fn ledger(&self) -> Vec<Charge> {
        self.app.charges()
    }

    /// Forgets all scripts, requests and charges.
    pub fn reset(&self) {
        self.app.reset();
    }

    /// Stops listening and cuts all connections; comes back when the port is free.
    pub async fn shutdown(mut self) {
        self.server.abort();
        // The error says that the task was aborted, which is what was asked for.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.server.abort();
    }
}
