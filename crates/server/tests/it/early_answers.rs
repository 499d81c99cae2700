//! Answers that are known before the request was read to its end.

use anyhow::{Context as _, Result};
use backstay_testing::TestServer;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const LENGTH: usize = 8 * 1024 * 1024;
const PIECE: usize = 64 * 1024;

/// Writes a body to its end, piece by piece, and only then looks for the answer.
async fn status_after_writing(server: &TestServer, path: &str, key: &str) -> Result<String> {
    let address = server.url().replace("http://", "");
    let mut socket = TcpStream::connect(&address).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {LENGTH}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    for _ in 0..LENGTH / PIECE {
        socket.write_all(&[b' '; PIECE]).await.context("the connection broke while writing")?;
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.context("the answer was lost")?;
    Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_writes_on_still_gets_the_answer() -> Result<()> {
    let server = TestServer::builder().config("[server]\nbody_bytes_max = 1048576").start().await?;
    for (path, key, status) in [
        ("/nowhere", server.key(), "404"),
        ("/v1/chat/completions", "bs-wrong", "401"),
        ("/v1/chat/completions", server.key(), "413"),
    ] {
        assert_eq!(status_after_writing(&server, path, key).await?, status, "{path}");
    }
    server.stop().await
}
