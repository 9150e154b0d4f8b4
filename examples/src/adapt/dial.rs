//! Connections that this side opens, with errors that say what to do.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::tls::Stream;

/// How long an address may take to answer, TLS included.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name is none that TLS can check.
    #[error("{host} is no name that a certificate can carry: use a host name or an IP address")]
    Name {
        /// The name.
        host: String,
    },
    /// The name is not known.
    #[error("cannot find {host}: {source}; check its spelling and this machine's DNS")]
    Lookup {
        /// The name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing listens there.
    #[error("nothing listens on {at}: start the server first, or check the port")]
    Refused {
        /// The address.
        at: SocketAddr,
    },
    /// No answer came.
    #[error("no answer from {at} in {} s: is it up, and does a firewall let this through?", ANSWER_MAX.as_secs())]
    Silent {
        /// The address.
        at: SocketAddr,
    },
    /// TLS did not come about.
    #[error(
        "no TLS with {host}: {source}; does it speak TLS on this port, and is its certificate trusted?"
    )]
    Tls {
        /// The name.
        host: String,
        /// What is wrong.
        source: io::Error,
    },
    /// Anything else that the system says.
    #[error("cannot connect to {at}: {source}")]
    Other {
        /// The address.
        at: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Connects to a host, in TLS if there is a connector; tries each of its addresses in turn.
///
/// # Errors
///
/// The host is not known, no address answers, or TLS is refused.
pub async fn dial(host: &str, port: u16, tls: Option<&TlsConnector>) -> Result<Stream, DialError> {
    let lookup = |source| DialError::Lookup {
        host: host.to_owned(),
        source,
    };
    let addresses = lookup_host((host, port)).await.map_err(lookup)?;
    let mut failed = lookup(io::ErrorKind::NotFound.into());
    for at in addresses {
        match connect(at).await {
            Ok(stream) => return secure(host, at, stream, tls).await,
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn connect(at: SocketAddr) -> Result<TcpStream, DialError> {
    let Ok(connected) = timeout(ANSWER_MAX, TcpStream::connect(at)).await else {
        return Err(DialError::Silent { at });
    };
    let stream = connected.map_err(|source| match source.kind() {
        io::ErrorKind::ConnectionRefused => DialError::Refused { at },
        io::ErrorKind::TimedOut => DialError::Silent { at },
        _ => DialError::Other { at, source },
    })?;
    // A frame is written in one go; waiting for more would only add latency.
    drop(stream.set_nodelay(true));
    Ok(stream)
}

async fn secure(
    host: &str,
    at: SocketAddr,
    stream: TcpStream,
    tls: Option<&TlsConnector>,
) -> Result<Stream, DialError> {
    let Some(tls) = tls else {
        return Ok(Stream::Plain(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| DialError::Name {
        host: host.to_owned(),
    })?;
    match timeout(ANSWER_MAX, tls.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream.into()))),
        Ok(Err(source)) => Err(DialError::Tls {
            host: host.to_owned(),
            source,
        }),
        Err(_) => Err(DialError::Silent { at }),
    }
}
