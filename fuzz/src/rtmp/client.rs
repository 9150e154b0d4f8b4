//! The client's session.

use super::limits;
use super::pair::Pair;
use super::server::greeting;
use crate::{Source, pieces};
use backline_rtmp::Error;
use backline_rtmp::client::{Address, Client, Config, Output};
use backline_rtmp::server;
use bytes::Buf as _;
use std::sync::OnceLock;
use std::time::Instant;

/// What our own server sends until the stream has begun.
pub(super) fn served(plays: bool) -> &'static [u8] {
    static SERVED: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
    SERVED[usize::from(plays)].get_or_init(|| {
        let mut pair = Pair::new(config(plays), server::Config::default());
        pair.settle();
        assert!(pair.is_ready(), "our own server lets our own client in");
        pair.down_all
    })
}

/// The configuration of a client for one stream.
#[must_use]
pub(super) fn config(plays: bool) -> Config {
    let address = Address::parse("rtmp://venue.example/live/key").expect("a URL");
    if plays {
        Config::play(address)
    } else {
        Config::publish(address)
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    outputs: Vec<String>,
    error: Option<Error>,
    taken: u64,
}

/// Any partition of what a server sends gives the same outputs and the same error; every byte is taken or an error says
/// why not; nothing follows the end.
///
/// Input: a byte of modes, a byte that seeds the partition, chunks after the handshake and perhaps after the stream has
/// begun.
pub fn client_session(data: &[u8]) {
    let mut source = Source::new(data);
    let (mode, seed) = (source.u8(), source.u8());
    let mut wire = if mode & 4 == 0 {
        greeting()
    } else {
        served(mode & 2 != 0).to_vec()
    };
    wire.extend(source.rest());
    let whole = outcome(mode, std::iter::once(wire.as_slice()));
    let split = outcome(mode, pieces(&wire, seed.max(1)));
    assert_eq!(whole, split, "mode {mode}, seed {seed}");
    let is_over = whole.outputs.iter().any(|output| output == "Close");
    if whole.error.is_none() && !is_over {
        assert_eq!(
            whole.taken,
            wire.len() as u64,
            "bytes were neither taken nor refused"
        );
    }
    if mode & 5 == 4 {
        assert!(
            whole.outputs.iter().any(|output| output == "Ready"),
            "{:?}",
            whole.outputs
        );
    }
}

/// Modes: 1 low caps, 2 play, 4 begin with a stream.
fn outcome<'a>(mode: u8, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let now = Instant::now();
    let mut config = config(mode & 2 != 0);
    config.limits = limits(mode & 1 != 0);
    let caps = config.limits.clone();
    let mut client = Client::new(config, now);
    let mut outcome = Outcome {
        outputs: Vec::new(),
        error: None,
        taken: 0,
    };
    let mut sent = 0;
    'input: for mut piece in input {
        // An empty call must be harmless too.
        loop {
            let result = client.handle_input(now, piece);
            let taken = *result.as_ref().unwrap_or(&0);
            assert!(taken <= piece.len());
            outcome.taken += taken as u64;
            piece = &piece[taken..];
            let (mut drained, mut progress) = (0_usize, taken > 0);
            // What came before an error is there all the same.
            while let Some(output) = client.poll_output() {
                assert!(
                    outcome.outputs.last().is_none_or(|last| last != "Close"),
                    "{output:?} after the end"
                );
                drained += 1;
                outcome.outputs.push(format!("{output:?}"));
            }
            if let Err(error) = result {
                outcome.error = Some(error);
                break 'input;
            }
            // One message may exceed the cap by its tracks.
            assert!(
                drained <= caps.outputs + usize::from(caps.tracks) + 8,
                "{drained} outputs waited"
            );
            progress |= drained > 0;
            while let Some(transmit) = client.poll_transmit() {
                sent += transmit.remaining() as u64;
                progress = true;
            }
            assert_eq!(client.waiting_bytes(), 0);
            if piece.is_empty() && !progress {
                break;
            }
            assert!(progress, "{} bytes wait and nothing happens", piece.len());
        }
    }
    if outcome.error.is_some() {
        // How many bytes an error took is no matter: the connection ends.
        outcome.taken = 0;
    } else {
        assert_eq!(client.stats().bytes_in, outcome.taken);
        assert_eq!(client.stats().bytes_out, sent);
    }
    outcome
}

/// A URL that can be read is what its parts say; `tc_url` can be read again and is the same; a secret is not shown.
///
/// Input: a URL, then a reference to resolve against it behind a line feed.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (url, reference) = text.split_once('\n').unwrap_or((&text, "/other"));
    let Ok(address) = Address::parse(url) else {
        return;
    };
    assert!(!address.host.is_empty() && address.port != 0);
    // A text that is shown differently would not be found.
    let is_plain =
        |text: &str| text.len() > 9 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some((_, password)) = address.user.as_ref().filter(|user| is_plain(&user.1)) {
        let repeats = |text: &str| text.contains(password.as_str());
        let shown = format!("{address:?}");
        assert!(
            !repeats(&shown) || repeats(&address.host) || repeats(&address.app),
            "{shown}"
        );
    }
    again(&address);
    if let Ok(next) = address.resolve(reference) {
        assert_eq!(next.name, address.name, "the name stays");
        again(&next);
    }
}

/// What `connect` says of an address means the same place and application.
fn again(address: &Address) {
    let url = address.tc_url();
    if let Some((user, password)) = &address.user {
        let secret = format!("{user}:{password}@");
        assert!(!url.starts_with(&format!("rtmp://{secret}")), "{url}");
    }
    let read = Address::parse(&url).unwrap_or_else(|error| panic!("{error} in {url:?}"));
    let (host, port) = (&read.host, read.port);
    assert_eq!(
        (host, port, read.tls),
        (&address.host, address.port, address.tls)
    );
    assert_eq!(read.user, None);
    // It may divide the path elsewhere; nothing of it is lost.
    let path = match read.name.as_str() {
        "" => read.app,
        name => format!("{}/{name}", read.app),
    };
    assert_eq!(
        path.trim_end_matches('/'),
        address.app.trim_end_matches('/')
    );
}

/// Whether an output ends a session.
pub(super) fn ends(output: &Output) -> bool {
    matches!(output, Output::Close)
}
