//! What the servers of this bench share: their options, the accept loop, the end.

use std::convert::Infallible;
use std::future::Future;
use std::io::Read as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Whether a server of the rig, or Backstay, is up.
pub(crate) const READY_PATH: &str = "/ready";

#[derive(Args)]
pub struct ListenOptions {
    /// Address to listen on, such as 127.0.0.1:9100
    #[arg(long)]
    pub listen: SocketAddr,
    /// End when standard input closes, so that a killed parent leaves no server behind
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

#[derive(Args)]
pub struct ProxyOptions {
    #[command(flatten)]
    pub endpoint: ListenOptions,
    /// Address of the model server to call
    #[arg(long)]
    pub upstream: SocketAddr,
}

impl ListenOptions {
    pub async fn bind(&self) -> anyhow::Result<TcpListener> {
        TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}; choose another --listen", self.listen))
    }

    /// Resolves when the parent is gone, if the parent asked for that; never otherwise.
    pub async fn parent_gone(&self) {
        if !self.until_stdin_closes {
            return std::future::pending().await;
        }
        let (gone, closed) = oneshot::channel::<Infallible>();
        std::thread::spawn(move || {
            let mut byte = [0_u8];
            while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
            drop(gone);
        });
        // Resolves by the sender's end, since no value of this type can be sent.
        let Err(_closed) = closed.await;
    }
}

/// Serves HTTP/1.1 with `TCP_NODELAY`, one task for each connection, until the parent is gone.
pub(crate) async fn serve_connections<Handler, Reply, ReplyBody>(
    options: &ListenOptions,
    handle: Handler,
) -> anyhow::Result<()>
where
    Handler: Fn(Request<Incoming>) -> Reply + Clone + Send + 'static,
    Reply: Future<Output = Response<ReplyBody>> + Send + 'static,
    ReplyBody: Body<Data = Bytes> + Send + 'static,
    ReplyBody::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let listener = options.bind().await?;
    let accept = async {
        loop {
            let (stream, _peer) = listener.accept().await.context("cannot accept a connection")?;
            stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
            let handle = handle.clone();
            let service = service_fn(move |request| {
                let reply = handle(request);
                async move { Ok::<_, Infallible>(reply.await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                // A client that goes away mid-answer is the load generator's to report.
                connection.await.ok();
            });
        }
    };
    tokio::select! {
        ended = accept => ended,
        () = options.parent_gone() => Ok(()),
    }
}
