//! Portkey's gateway on Node.js.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use bench_harness::canned;
use bench_harness::chat_api::ChatApi;
use bench_harness::process::{Listening, Process, free_address};

use super::command;
use crate::install::Cache;

pub(super) const TITLE: &str = "Portkey 1.15.2";

const PACKAGE: &str = include_str!("../../peers/portkey/package.json");
const LOCK: &str = include_str!("../../peers/portkey/package-lock.json");
const LOOPBACK: &str = include_str!("../../peers/portkey/loopback.cjs");

pub(super) async fn start(
    cache: &Cache,
    upstream: SocketAddr,
    folder: &Path,
) -> anyhow::Result<(ChatApi, Process)> {
    let installed = cache.node("portkey", PACKAGE, LOCK).await?;
    let loopback = folder.join("loopback.cjs");
    fs::write(&loopback, LOOPBACK).context("cannot write Portkey's start file")?;
    let address = free_address()?;
    let mut command = command("node", folder);
    command
        .arg("--require")
        .arg(loopback)
        .arg(installed.join("node_modules/@portkey-ai/gateway/build/start-server.js"))
        .arg(format!("--port={}", address.port()))
        .arg("--headless")
        .env("NODE_ENV", "production");
    let listening = Listening::At(address, "/");
    let process = Process::start("portkey", command, listening, folder).await?;
    let chat = ChatApi {
        // It has no configuration file: the provider comes with each request, and so does its key.
        model: canned::UPSTREAM_MODEL,
        headers: vec![
            ("x-portkey-provider", "openai".to_owned()),
            ("x-portkey-custom-host", format!("http://{upstream}/v1")),
        ],
        ..ChatApi::openai(address, canned::UPSTREAM_KEY)
    };
    Ok((chat, process))
}
