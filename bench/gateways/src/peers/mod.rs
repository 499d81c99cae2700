//! The gateways that Backstay is compared with: which version, installed how, started how.

mod litellm;
mod portkey;
mod tensorzero;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use bench_harness::Server;
use bench_harness::cell::Target;
use clap::ValueEnum;

use crate::install::Cache;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeerName {
    #[value(name = "tensorzero")]
    TensorZero,
    Portkey,
    #[value(name = "litellm")]
    LiteLlm,
}

impl PeerName {
    pub(crate) const ALL: [Self; 3] = [Self::TensorZero, Self::Portkey, Self::LiteLlm];

    pub(crate) fn target(self) -> Target {
        match self {
            Self::TensorZero => Target::TensorZero,
            Self::Portkey => Target::Portkey,
            Self::LiteLlm => Target::LiteLlm,
        }
    }

    /// With the version that the lock file pins.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::TensorZero => tensorzero::TITLE,
            Self::Portkey => portkey::TITLE,
            Self::LiteLlm => litellm::TITLE,
        }
    }

    pub(crate) async fn start(
        self,
        cache: &Cache,
        upstream: SocketAddr,
        folder: &Path,
    ) -> anyhow::Result<Server> {
        let (chat, process) = match self {
            Self::TensorZero => tensorzero::start(cache, upstream, folder).await?,
            Self::Portkey => portkey::start(cache, upstream, folder).await?,
            Self::LiteLlm => litellm::start(cache, upstream, folder).await?,
        };
        Ok(Server { target: self.target(), chat, process })
    }
}

/// A program without the environment of the person who measures: provider keys, proxies and
/// settings there must not change the result.
fn command(program: impl AsRef<OsStr>, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).current_dir(home);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}
