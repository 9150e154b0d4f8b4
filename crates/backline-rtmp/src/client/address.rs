//! Where a client connects.

use crate::Error;
use alloc::string::{String, ToString};
use core::fmt;

/// Ports of RTMP, and of RTMP in TLS.
const PORT: u16 = 1935;
const PORT_TLS: u16 = 443;

/// Where a client connects, and what it publishes or plays there: the parts of an `rtmp://` or `rtmps://` URL.
///
/// `Debug` shows neither the stream name, which is a secret at most platforms, nor the password.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Address {
    /// Whether the bytes go through TLS, which is the caller's to do (`rtmps://`).
    pub tls: bool,
    /// Name or IP address, without the brackets of IPv6.
    pub host: String,
    /// Port, 1935 or with TLS 443 where the URL names none.
    pub port: u16,
    /// Application, with its query if it has one; may be empty.
    pub app: String,
    /// Stream name, with its query if it has one; the key at most platforms.
    pub name: String,
    /// Name and password of the URL, for servers that ask for them.
    pub user: Option<(String, String)>,
}

impl Address {
    /// Reads a URL: `rtmp[s]://[user[:password]@]host[:port]/app/name`.
    ///
    /// The application is the first segment of the path, or the first two where there are three and more (an instance
    /// of the application, as FFmpeg has it); the name is all that follows, with its query. A query before the last
    /// slash belongs to the application. Where a platform does it otherwise, set [`app`](Self::app) and
    /// [`name`](Self::name) yourself. A fragment is dropped.
    ///
    /// # Errors
    /// [`Error::Address`] with the place of what is wrong.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let (mut this, path) = Self::front(url)?;
        let (app, name) = split_path(path);
        this.app = app.to_string();
        this.name = name.to_string();
        Ok(this)
    }

    /// Returns the address that a server's `tcUrl` means to a client of this one: an absolute URL, `//host/app`, or
    /// `/app`. Name and user stay.
    ///
    /// # Errors
    /// [`Error::Address`] with the place of what is wrong.
    pub fn resolve(&self, reference: &str) -> Result<Self, Error> {
        let scheme = if self.tls { "rtmps:" } else { "rtmp:" };
        let mut next = if let Some(authority) = reference.strip_prefix("//") {
            let url = alloc::format!("{scheme}//{authority}");
            let (mut next, app) = Self::front(&url)?;
            next.app = app.to_string();
            next
        } else if let Some(app) = reference.strip_prefix('/') {
            let mut next = self.clone();
            no_blank(reference)?;
            next.app = app.split('#').next().unwrap_or_default().to_string();
            next
        } else {
            let (mut next, app) = Self::front(reference)?;
            next.app = app.to_string();
            next
        };
        next.app.truncate(next.app.trim_end_matches('/').len());
        next.name.clone_from(&self.name);
        next.user = next.user.or_else(|| self.user.clone());
        Ok(next)
    }

    /// Returns the URL of the application as `connect` says it: without user, name and fragment (RTMP errata).
    #[must_use]
    pub fn tc_url(&self) -> String {
        let (scheme, usual) = if self.tls {
            ("rtmps", PORT_TLS)
        } else {
            ("rtmp", PORT)
        };
        let Self { host, app, .. } = self;
        let host = match host.contains(':') {
            true => alloc::format!("[{host}]"),
            false => host.clone(),
        };
        match self.port == usual {
            true => alloc::format!("{scheme}://{host}/{app}"),
            false => alloc::format!("{scheme}://{host}:{}/{app}", self.port),
        }
    }

    /// Reads all but the path, and returns that.
    fn front(url: &str) -> Result<(Self, &str), Error> {
        let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
        let (tls, skipped) = if lower.starts_with("rtmps://") {
            (true, 8)
        } else if lower.starts_with("rtmp://") {
            (false, 7)
        } else {
            return Err(wrong(0, "rtmp:// or rtmps://"));
        };
        let rest = url.get(skipped..).unwrap_or_default();
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let at = skipped.saturating_add(authority.len().saturating_sub(place.len()));
        let (host, port) = split_port(place, at)?;
        let bracketed = place.starts_with('[');
        if host.is_empty() || host.contains(['[', ']']) || host.contains(':') != bracketed {
            return Err(wrong(
                at,
                "a host name, an IPv4 address, or an IPv6 address in brackets",
            ));
        }
        no_blank(url)?;
        let user = user.map(|user| match user.split_once(':') {
            Some((name, password)) => (name.to_string(), password.to_string()),
            None => (user.to_string(), String::new()),
        });
        let this = Self {
            tls,
            host: host.to_string(),
            port: port.unwrap_or(if tls { PORT_TLS } else { PORT }),
            app: String::new(),
            name: String::new(),
            user,
        };
        Ok((this, path.strip_prefix('/').unwrap_or(path)))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query of an application may hold a token, too.
        let app = self.app.split('?').next().unwrap_or_default();
        formatter
            .debug_struct("Address")
            .field("tls", &self.tls)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("app", &app)
            .finish_non_exhaustive()
    }
}

/// Refuses what would not survive in a URL.
fn no_blank(url: &str) -> Result<(), Error> {
    let odd = |byte: u8| byte <= b' ' || byte == 0x7F;
    match url.bytes().position(odd) {
        Some(place) => Err(wrong(place, "no blank or control character")),
        None => Ok(()),
    }
}

/// Splits a port off; a colon in brackets is one of IPv6.
fn split_port(place: &str, at: usize) -> Result<(&str, Option<u16>), Error> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let Some((host, behind)) = rest.split_once(']') else {
                return Err(wrong(at, "] behind an IPv6 address"));
            };
            if !behind.is_empty() && !behind.starts_with(':') {
                return Err(wrong(at, "nothing but a port behind an IPv6 address"));
            }
            (host, behind.strip_prefix(':'))
        }
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        return Ok((host, None));
    };
    match port.parse::<u16>() {
        Ok(port @ 1..) => Ok((host, Some(port))),
        _ => {
            let before = place.len().saturating_sub(port.len());
            Err(wrong(at.saturating_add(before), "a port from 1 to 65535"))
        }
    }
}

/// Splits a path into application and name.
fn split_path(path: &str) -> (&str, &str) {
    let query = path.find('?').unwrap_or(path.len());
    let (before, behind) = path.split_at(query);
    // A query with a slash in it, behind a single segment, is the application's: `app?token=1/name`.
    if !before.contains('/')
        && let Some(slash) = behind.rfind('/')
    {
        let end = before.len().saturating_add(slash);
        let name = path.get(end.saturating_add(1)..).unwrap_or_default();
        return (path.get(..end).unwrap_or_default(), name);
    }
    let Some(first) = before.find('/') else {
        return (path, "");
    };
    let after = before.get(first.saturating_add(1)..).unwrap_or_default();
    let end = match after.find('/') {
        // `mp4:folder/file` is one name.
        Some(second)
            if !after
                .get(..second)
                .is_some_and(|segment| segment.contains(':')) =>
        {
            first.saturating_add(1).saturating_add(second)
        }
        _ => first,
    };
    let name = path.get(end.saturating_add(1)..).unwrap_or_default();
    (path.get(..end).unwrap_or_default(), name)
}

const fn wrong(at: usize, expected: &'static str) -> Error {
    Error::Address { at, expected }
}
