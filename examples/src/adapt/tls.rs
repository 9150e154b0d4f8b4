//! TLS around a TCP connection, for RTMPS and HTTP: the protocol machines never know of it.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection with or without TLS.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// Bytes as they are.
    Plain(TcpStream),
    /// Bytes in TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Certificates or keys are not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate and the key do not make a server.
    #[error(
        "{cert} and {key} do not make a server: {source}; the key must be that of the first certificate"
    )]
    Pair {
        /// File of the certificates.
        cert: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A file is not there, or holds no PEM of the wanted kind.
    #[error("cannot read {wanted} from {path}: {source}; expected a PEM file")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
        /// What is wrong.
        source: pem::Error,
    },
    /// The system has no certificate to trust.
    #[error(
        "this machine has no certificate to trust: install the package ca-certificates, or name a file with --tls-ca"
    )]
    NoRoots,
}

/// Makes what accepts TLS, from a PEM file of certificates (the server's own one first) and one of its key.
///
/// # Errors
///
/// A file cannot be read, or the two do not fit.
pub fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    Ok(TlsAcceptor::from(Arc::new(server(cert, key)?)))
}

/// What a web server shows of itself: HTTP/2 and HTTP/1.1 under a certificate that can be read anew while it runs.
#[derive(Debug)]
pub struct Identity {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Identity {
    /// Reads a PEM file of certificates (the server's own one first) and one of its key.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the two do not fit.
    pub fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            cert: cert.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(Arc::new(web(cert, key)?)),
        })
    }

    /// Reads both files again, for connections that begin from now on; those before keep what they have.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`]; then everything stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(web(&self.cert, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What accepts the next connection.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

/// ALPN's name of HTTP/2.
pub const HTTP_2: &[u8] = b"h2";

fn web(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let mut config = server(cert, key)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn server(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let certs = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
        path: key.to_owned(),
        wanted: "a private key",
        source,
    })?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certs, secret)
        .map_err(|source| TlsError::Pair {
            cert: cert.to_owned(),
            key: key.to_owned(),
            source,
        })
}

/// Makes what connects by TLS; it trusts the certificates of a PEM file, or else those that the system trusts.
///
/// # Errors
///
/// There is nothing to trust.
pub fn connector(roots: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let trusted = match roots {
        Some(path) => certificates(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    // A system's list has some that no longer parse; they are of no use to anyone.
    let (added, _) = store.add_parsable_certificates(trusted);
    if added == 0 {
        return Err(TlsError::NoRoots);
    }
    let config = ClientConfig::builder()
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let error = |source| TlsError::Pem {
        path: path.to_owned(),
        wanted: "certificates",
        source,
    };
    match all {
        Ok(all) if Vec::is_empty(&all) => Err(error(pem::Error::NoItemsFound)),
        Ok(all) => Ok(all),
        Err(source) => Err(error(source)),
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
