//! TLS, by rustls with its safe defaults (TLS 1.2 and 1.3): the certificate and its key, read from files and read again
//! when they were renewed, and the handshake. It does not know what is spoken inside.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::Error;
use tokio_rustls::rustls::InconsistentKeys;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::ClientHello;
use tokio_rustls::rustls::server::ResolvesServerCert;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;

/// How long a client may take for the handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

const CERTIFICATE_ALLOWED: &str = "allowed is a PEM file with the server's certificate, and behind it those that lead to \
     a known authority";

const KEY_ALLOWED: &str = "allowed is a PEM file with the certificate's private key (PKCS #8, SEC 1 or PKCS #1), without a \
     passphrase";

/// Two files, and what was in them when they were last good.
#[derive(Debug)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads both files (`--tls-cert`, `--tls-key`). The error is a line that names the option, the file and what is
    /// allowed.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        Ok(Self {
            current: RwLock::new(Arc::new(read(certificate, key)?)),
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads them again, for connections that are still to come. After an error everything is as it was.
    pub fn renew(&self) -> Result<(), String> {
        let renewed = Arc::new(read(&self.certificate, &self.key)?);
        // Nothing can panic while it is held.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        Some(Arc::clone(&current.unwrap_or_else(PoisonError::into_inner)))
    }
}

/// What makes a connection secure.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Shows `certificate`, and agrees to one of `protocols` (ALPN, RFC 7301): a client that names others only is refused.
    /// Where there are none, whatever a client names is overlooked.
    pub fn new(certificate: Arc<Certificate>, protocols: &[&str]) -> Result<Self, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider()));
        let mut config = builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificate);
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        // A client that comes back shows a ticket instead of a second whole handshake, and nothing is kept here for it.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The handshake.
    pub(super) async fn accept(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        tokio::time::timeout(HANDSHAKE_WITHIN, self.0.accept(tcp)).await?
    }
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let wrong_certificate =
        |why: String| wrong("--tls-cert", certificate, &why, CERTIFICATE_ALLOWED);
    let wrong_key = |why: String| wrong("--tls-key", key, &why, KEY_ALLOWED);

    let pem = std::fs::read(certificate).map_err(|why| wrong_certificate(unreadable(&why)))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|why| wrong_certificate(format!("it is not PEM: {why}")))?;
    if chain.is_empty() {
        return Err(wrong_certificate(
            "there is no certificate in it".to_owned(),
        ));
    }

    let pem = std::fs::read(key).map_err(|why| wrong_key(unreadable(&why)))?;
    let private = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|why| wrong_key(format!("there is no private key in it: {why}")))?;
    let signing = provider().key_provider.load_private_key(private);
    let signing = signing.map_err(|why| wrong_key(format!("its key can't be used: {why}")))?;

    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => Err(wrong_key(format!(
            "it is not the key of the certificate in {}",
            certificate.display()
        ))),
        Err(why) => Err(wrong_certificate(format!(
            "its certificate can't be used: {why}"
        ))),
    }
}

fn unreadable(why: &io::Error) -> String {
    format!("it can't be read: {why}")
}

fn wrong(option: &str, file: &Path, why: &str, allowed: &str) -> String {
    format!("{option} {}: {why}; {allowed}", file.display())
}
