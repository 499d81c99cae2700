//! Encrypted connections, by the same library and provider that calls upstreams use.

use std::sync::Arc;

use backstay_core::{Error, Result};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Which servers are believed to be the right one.
pub(super) enum Trust {
    /// Any: against those who only listen.
    Anyone,
    /// One with a certificate that this machine trusts.
    Platform,
    /// One with a certificate that goes back to one in this file.
    Root(String),
}

pub(super) fn connector(trust: Trust) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::internal(format!("TLS cannot be set up: {cause}")))?;
    let config = match trust {
        Trust::Anyone => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
            .with_no_client_auth(),
        Trust::Platform => builder
            .with_platform_verifier()
            .map_err(|cause| {
                Error::invalid(format!(
                    "this machine's trusted certificates cannot be read: {cause}; name a file with \
                     sslrootcert in the store's URL"
                ))
            })?
            .with_no_client_auth(),
        Trust::Root(path) => builder.with_root_certificates(roots(&path)?).with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(path: &str) -> Result<RootCertStore> {
    let unreadable = |cause: String| {
        Error::invalid(format!("the certificates of sslrootcert cannot be read: {cause}"))
    };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|cause| unreadable(cause.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| unreadable(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| unreadable(cause.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable(format!("there is none in {path}")));
    }
    Ok(roots)
}

/// Encrypts, and asks nobody who they are.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
