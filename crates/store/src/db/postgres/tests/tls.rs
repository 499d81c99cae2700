//! Encrypted connections: whose certificate is believed, by `sslmode`.

use std::{fs, path::Path, sync::Arc};

use backstay_core::{Error, ErrorCode, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{database, options};
use crate::{Store, StoreOptions};

/// What a client says that wants to encrypt: the message's length, and a number for a version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// An authority that nobody knows, written to a file of this name.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: String,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = folder.join(format!("{name}.pem"));
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        let file = file.to_str().unwrap().to_owned();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// With a certificate for `localhost`.
    fn server(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A PostgreSQL server as seen by its clients that talks to nobody in the clear, on a port of its own;
/// the tests' server itself is built without TLS.
async fn encrypting(server: String, acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, server.clone(), acceptor.clone()));
        }
    });
    port
}

async fn pass_on(mut client: TcpStream, server: String, acceptor: TlsAcceptor) {
    let mut asked = [0; 8];
    if client.read_exact(&mut asked).await.is_err() || asked != SSL_REQUEST {
        return;
    }
    client.write_all(b"S").await.unwrap();
    // A client that does not believe the certificate goes away.
    if let Ok(mut encrypted) = acceptor.accept(client).await {
        let mut server = TcpStream::connect(server).await.unwrap();
        drop(copy_bidirectional(&mut encrypted, &mut server).await);
    }
}

async fn open(url: &str) -> Result<()> {
    let store = Store::open(StoreOptions::Postgres(options(url.to_owned()))).await?;
    assert!(store.health().await.is_ok());
    store.close().await
}

async fn refused(url: &str) -> Error {
    let error = open(url).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{url}: {error}");
    error
}

#[tokio::test]
async fn a_server_is_believed_as_far_as_sslmode_says() {
    let folder = TempDir::new().unwrap();
    let right = Authority::new(folder.path(), "right");
    let wrong = Authority::new(folder.path(), "wrong");
    let database = database().await;
    let direct = database.url();
    let server = direct.split(['@', '/']).nth(3).unwrap().to_owned();
    let port = encrypting(server.clone(), right.server()).await;
    let url = |host: &str, settings: &str| {
        format!("{}?{settings}", direct.replace(&server, &format!("{host}:{port}")))
    };
    let (right, wrong) = (&right.file, &wrong.file);

    for settings in ["sslmode=require".to_owned(), "sslmode=prefer".to_owned(), String::new()] {
        open(&url("127.0.0.1", &settings)).await.unwrap();
    }
    for mode in ["require", "verify-ca", "verify-full"] {
        open(&url("localhost", &format!("sslmode={mode}&sslrootcert={right}"))).await.unwrap();
        let other =
            refused(&url("localhost", &format!("sslmode={mode}&sslrootcert={wrong}"))).await;
        assert!(other.message().contains("certificate"), "{mode}: {other}");
    }
    let settings = format!("sslmode=verify-full&sslrootcert={right}");
    let other_host = refused(&url("127.0.0.1", &settings)).await;
    assert!(other_host.message().contains("certificate"), "{other_host}");
    let unknown = refused(&url("localhost", "sslmode=verify-full")).await;
    assert!(
        unknown.message().contains("certificate"),
        "this machine knows the authority: {unknown}"
    );
    refused(&url("localhost", "sslmode=disable")).await;

    // A server without TLS is spoken to in the clear only where that was agreed to.
    open(&format!("{direct}?sslmode=prefer")).await.unwrap();
    refused(&format!("{direct}?sslmode=require")).await;
    let missing = format!("{direct}?sslmode=verify-full&sslrootcert=/nowhere.pem");
    assert_eq!(open(&missing).await.unwrap_err().code(), ErrorCode::InvalidRequest);
}
