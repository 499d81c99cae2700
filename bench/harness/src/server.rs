//! A running server, and how it is asked.

use std::net::SocketAddr;
use std::path::Path;

use crate::canned;
use crate::cell::Target;
use crate::chat_api::ChatApi;
use crate::process::Process;

/// Ends when dropped.
pub struct Server {
    pub target: Target,
    pub chat: ChatApi,
    pub process: Process,
}

/// The mock model and the two floors in front of it.
pub async fn floors(folder: &Path) -> anyhow::Result<Vec<Server>> {
    let direct = start(Target::Direct, "upstream", None, folder).await?;
    let upstream = Some(direct.chat.address);
    Ok(vec![
        direct,
        start(Target::FloorHyper, "floor-hyper", upstream, folder).await?,
        start(Target::FloorAxum, "floor-axum", upstream, folder).await?,
    ])
}

async fn start(
    target: Target,
    part: &'static str,
    upstream: Option<SocketAddr>,
    folder: &Path,
) -> anyhow::Result<Server> {
    let process = Process::start_part(part, upstream, folder).await?;
    let chat = ChatApi::openai(process.address, canned::UPSTREAM_KEY);
    Ok(Server { target, chat, process })
}
