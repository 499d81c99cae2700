//! An end in good order when somebody asks for it.

use std::future::Future;

use anyhow::{Context as _, bail};

/// Runs `work` until it is done or until Ctrl-C, whichever is first. Dropping the work drops its
/// servers, which ends their processes.
pub async fn or_stopped(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        done = work => done,
        stopped = asked_to_stop() => {
            stopped.context("cannot wait for signals")?;
            bail!("stopped before the end: nothing was measured")
        }
    }
}

/// Ctrl-C and, where there is one, the signal that `kill` and `timeout` send.
async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
