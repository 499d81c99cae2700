//! The commands that every bench program offers beside its own: the parts of its rig.

use std::future::Future;

use anyhow::Context as _;
use clap::Subcommand;
use tokio::runtime::Builder;

use crate::endpoint::{ListenOptions, ProxyOptions};
use crate::load::{self, LoadOptions};
use crate::{floor_axum, floor_hyper, upstream};

#[derive(Subcommand)]
pub enum Part {
    /// Drive one server that is already running
    Load(LoadOptions),
    /// Serve the cheap mock model that all the others call
    Upstream(ListenOptions),
    /// Serve a bare hyper reverse proxy: the least that any proxy costs
    FloorHyper(ProxyOptions),
    /// Serve an axum + reqwest gateway that parses both JSON bodies: the least an honest gateway costs
    FloorAxum(ProxyOptions),
}

impl Part {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Load(options) => block_on_one_thread(load::run(options)),
            Self::Upstream(options) => block_on_one_thread(upstream::serve(options)),
            // The floors get what an ordinary server gets: one worker thread for each core.
            Self::FloorHyper(options) => {
                block_on(Builder::new_multi_thread(), floor_hyper::serve(options))
            }
            Self::FloorAxum(options) => {
                block_on(Builder::new_multi_thread(), floor_axum::serve(options))
            }
        }
    }
}

/// Load generator and mock model run on one thread, so that their own cost stays small and even.
pub fn block_on_one_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    block_on(Builder::new_current_thread(), work)
}

fn block_on(
    mut builder: Builder,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    builder.enable_all().build().context("cannot start the async runtime")?.block_on(work)
}
