//! Log lines that a stranger can cause: one a peer and minute, since whoever knocks must not fill the disk.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a peer is not spoken of again.
const QUIET: Duration = Duration::from_secs(60);
/// Peers that are remembered; while there are more, the others get no line.
const PEERS_MAX: usize = 256;
/// Letters of a line that a stranger chooses.
const WORDS_MAX: usize = 64;

/// Who was spoken of, and when.
#[derive(Debug, Default)]
pub(crate) struct Hush(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    peers: BTreeMap<IpAddr, Instant>,
    hushed: u64,
}

impl Hush {
    /// Whether something about a peer is worth a line; then, how many lines were left out since the last one.
    pub(crate) fn line(&self, peer: IpAddr, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .peers
            .retain(|_, last| now.saturating_duration_since(*last) < QUIET);
        let peer = network(peer);
        if state.peers.contains_key(&peer) || state.peers.len() >= PEERS_MAX {
            state.hushed += 1;
            return None;
        }
        state.peers.insert(peer, now);
        Some(std::mem::take(&mut state.hushed))
    }
}

/// One host has as many addresses of IPv6 as it likes, in one network of 64 bits.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The beginning of what a stranger says, as it may stand in a line.
pub(crate) fn words(said: &str) -> String {
    said.chars()
        .take(WORDS_MAX)
        .flat_map(char::escape_debug)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_one_line_a_minute_and_all_peers_a_bounded_number() {
        let (hush, begin) = (Hush::default(), Instant::now());
        let one = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(hush.line(one, begin), Some(0));
        for second in 1..60 {
            let now = begin + Duration::from_secs(second);
            assert_eq!(hush.line(one, now), None);
        }
        let mapped = "::ffff:192.0.2.1".parse().expect("an address");
        assert_eq!(hush.line(mapped, begin), None, "the same peer");
        let later = begin + QUIET;
        assert_eq!(hush.line(one, later), Some(60), "what was left out is told");
        let many = (0..10_000_u128).map(|host| IpAddr::from(Ipv6Addr::from_bits(host << 64)));
        let lines = many.filter(|peer| hush.line(*peer, later).is_some());
        assert_eq!(lines.count(), PEERS_MAX - 1);
        let same = (0..100_u128).map(|host| IpAddr::from(Ipv6Addr::from_bits(7 << 100 | host)));
        let after = later + QUIET;
        let lines = same.filter(|peer| hush.line(*peer, after).is_some());
        assert_eq!(lines.count(), 1, "one network is one peer");
    }

    #[test]
    fn what_a_stranger_says_is_short_and_harmless() {
        assert_eq!(words("live\n\u{1b}[2J"), "live\\n\\u{1b}[2J");
        assert_eq!(words(&"a".repeat(65_536)).len(), WORDS_MAX);
    }
}
