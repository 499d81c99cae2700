//! A connection that is lost while a transaction is committed.

use backstay_core::ErrorCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
};

use super::{database, open, options, workspace};
use crate::db::{Statement, sql, values};

const ADD: Statement = sql("INSERT INTO tombstones (workspace, content_hash, forgotten_at)
    VALUES ($1, $2, 0)");
const MARK: Statement = sql("SELECT 'cut the next commit'");

/// Passes everything on, and cuts the connection at the first commit after the mark.
async fn cutter(server: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, server.clone()));
        }
    });
    address
}

async fn pass_on(client: TcpStream, server: String) {
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let (mut buffer, mut is_marked) = (vec![0; 65_536], false);
    loop {
        let length = from_client.read(&mut buffer).await.unwrap_or(0);
        let said = &buffer[..length];
        is_marked |= holds(said, b"cut the next commit");
        if length == 0 || (is_marked && holds(said, b"COMMIT")) {
            break;
        }
        to_server.write_all(said).await.unwrap();
    }
    answers.abort();
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn a_commit_whose_outcome_is_unknown_is_never_told_as_success() {
    let database = database().await;
    let url = database.url();
    let server = url.split(['@', '/']).nth(3).unwrap().to_owned();
    let through = url.replace(&server, &cutter(server.clone()).await);
    // What is encrypted cannot be cut at the right place.
    let store = open(options(format!("{through}?sslmode=disable"))).await;
    let workspace = workspace(&store, "ws_a").await;
    let cut = workspace.write(|session, id| {
        session.one(MARK, &[], |_| Ok(()))?;
        session.execute(ADD, values![id, b"1".as_slice()])
    });
    let error = cut.await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.message().contains("may have been done or not"), "{error}");
    let again = workspace.write(|session, id| session.execute(ADD, values![id, b"1".as_slice()]));
    assert_eq!(again.await.unwrap(), 1, "another connection was made");
}
