//! Bound sockets whose errors say what to do, and the count of connections behind them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// A listener could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another program has the port.
    #[error(
        "port {} on {} is in use by another program: stop it (`ss -ltnp 'sport = :{}'` names it) or choose another port with {flag}",
        at.port(), at.ip(), at.port()
    )]
    InUse {
        /// The address that was asked for.
        at: SocketAddr,
        /// The option that chooses it.
        flag: &'static str,
    },
    /// The port needs rights that this user does not have.
    #[error(
        "no right to listen on {at}: ports below 1024 need root; choose a higher one with {flag}"
    )]
    Denied {
        /// The address that was asked for.
        at: SocketAddr,
        /// The option that chooses it.
        flag: &'static str,
    },
    /// This machine has no such address.
    #[error("{} is not an address of this machine: use 0.0.0.0 for all of them, or one that `ip address` lists, with {flag}", at.ip())]
    NotHere {
        /// The address that was asked for.
        at: SocketAddr,
        /// The option that chooses it.
        flag: &'static str,
    },
    /// Anything else that the system says.
    #[error("cannot listen on {at}: {source}; choose another address with {flag}")]
    Other {
        /// The address that was asked for.
        at: SocketAddr,
        /// The option that chooses it.
        flag: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Binds `at`, with `flag` being the option that chooses it, for the error text.
///
/// # Errors
///
/// The address is taken, forbidden or not of this machine.
pub async fn bind(at: SocketAddr, flag: &'static str) -> Result<TcpListener, BindError> {
    TcpListener::bind(at)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse { at, flag },
            io::ErrorKind::PermissionDenied => BindError::Denied { at, flag },
            io::ErrorKind::AddrNotAvailable => BindError::NotHere { at, flag },
            _ => BindError::Other { at, flag, source },
        })
}

/// Accepts connections, for ever: a failing accept (no file descriptor left, a peer gone already) is
/// waited out, since it must not end the show.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A part is written in one go; waiting for more would only add latency.
                drop(stream.set_nodelay(true));
                return (stream, peer);
            }
            Err(error) => {
                // Once in a row: this goes on for as long as whoever took all descriptors keeps them.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "cannot accept a connection; trying again");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Caps on the connections of one listener.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Doors {
    total: usize,
    per_address: usize,
    inside: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// One admitted connection; dropping it frees its place.
#[derive(Debug)]
pub struct Admission {
    address: IpAddr,
    inside: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

impl Doors {
    /// Allows `total` connections at a time, and `per_address` of them from one address. Loopback has
    /// no cap of its own: a proxy on this machine speaks for many.
    #[must_use]
    pub fn new(total: usize, per_address: usize) -> Self {
        Self {
            total,
            per_address,
            inside: Arc::default(),
        }
    }

    /// Admits a connection, or tells that it is one too many.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> Option<Admission> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = inside.values().sum();
        let here = inside.get(&address).copied().unwrap_or(0);
        if total >= self.total || (here >= self.per_address && !address.is_loopback()) {
            return None;
        }
        inside.insert(address, here + 1);
        Some(Admission {
            address,
            inside: Arc::clone(&self.inside),
        })
    }

    /// Connections that are open now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests;
