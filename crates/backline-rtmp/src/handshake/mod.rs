//! The handshake (RTMP 1.0, 5.2, and the digest form that Flash players began), both sides of it.

mod client;
#[cfg(feature = "digest")]
mod digest;
mod server;

pub use client::{ClientHandshake, Form};
pub use server::ServerHandshake;

use crate::Error;

/// The version of C0 and S0.
const VERSION: u8 = 0x03;
/// The version of RTMPE.
const VERSION_ENCRYPTED: u8 = 0x06;
/// From here on C0 is the letter of another protocol.
const VERSION_TEXT: u8 = 0x20;
/// Bytes of C1, C2, S1 and S2 each.
const PACKET_LEN: usize = 1536;
/// What to think of a peer whose last handshake packet does not echo ours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum EchoPolicy {
    /// It is no matter; many encoders do not echo.
    #[default]
    Ignore,
    /// It is an error.
    Strict,
    /// It is worth a warning.
    Warn,
}

/// Checks the first byte of a peer.
const fn check_version(at: u64, version: u8) -> Result<(), Error> {
    if version >= VERSION_TEXT {
        return Err(Error::HandshakeVersion { at, version });
    }
    if version == VERSION_ENCRYPTED {
        return Err(Error::HandshakeEncrypted { at, version });
    }
    // Other versions are met with ours, as the specification asks.
    Ok(())
}

/// Returns where an echo, of which these bytes begin at `from`, differs from what was sent.
fn differs(sent: &[u8], from: usize, echo: &[u8]) -> Option<usize> {
    let pairs = sent.iter().skip(from).zip(echo);
    // Bytes 4 to 8 of an echo may hold the peer's clock.
    (from..)
        .zip(pairs)
        .find_map(|(at, (a, b))| (!(4..8).contains(&at) && a != b).then_some(at))
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    taken
}

/// Fills with SplitMix64: the bytes need to differ between connections, not to be secret.
fn fill_random(seed: u64, out: &mut [u8]) {
    let mut state = seed;
    for block in out.chunks_mut(8) {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        block.copy_from_slice(
            (mixed ^ (mixed >> 31))
                .to_le_bytes()
                .get(..block.len())
                .unwrap_or(&[]),
        );
    }
}
