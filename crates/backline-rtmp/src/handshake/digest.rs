//! The signed form of the handshake: no secret, since the keys are known to all, but some clients insist.

use super::PACKET_LEN;
use core::ops::Range;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(super) const DIGEST_LEN: usize = 32;
/// The key of a client's C1.
const CLIENT_KEY: &[u8] = b"Genuine Adobe Flash Player 001";
/// The key of a server's S1.
const SERVER_KEY: &[u8] = b"Genuine Adobe Flash Media Server 001";
/// Follows the key where S2 is signed.
const SALT: [u8; 32] = [
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
    0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
];
/// Where a packet says its version; a client that does not sign leaves it 0.
const VERSION: Range<usize> = 4..8;
/// A version of Flash Media Server that signs.
const SERVER_VERSION: [u8; 4] = [0x04, 0x05, 0x00, 0x01];
/// A version of Flash Player that signs; FFmpeg says the same.
const CLIENT_VERSION: [u8; 4] = [0x09, 0x00, 0x7C, 0x02];
/// The values that the digest's place may take in its half of the packet.
const PLACES: usize = 728;

/// Where the digest stands: schema 1 has it in the first half, schema 0 in the second.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schema {
    DigestFirst,
    KeyFirst,
}

impl Schema {
    /// Returns where a packet of this schema has its digest.
    fn place(self, packet: &[u8]) -> Range<usize> {
        let base: usize = match self {
            Self::DigestFirst => 8,
            Self::KeyFirst => 772,
        };
        let sum = packet
            .iter()
            .skip(base)
            .take(4)
            .map(|byte| usize::from(*byte))
            .sum::<usize>();
        let start = sum
            .rem_euclid(PLACES)
            .saturating_add(base)
            .saturating_add(4);
        start..start.saturating_add(DIGEST_LEN)
    }
}

/// Signs S1 and S2 if the client signed C1, which stands where S2 goes; leaves both alone otherwise. Returns whether
/// it did.
pub(super) fn sign(s1: &mut [u8], s2: &mut [u8]) -> bool {
    if s2.get(VERSION).is_none_or(|version| version == [0; 4]) {
        return false;
    }
    let Some((schema, client_digest)) = find(CLIENT_KEY, s2) else {
        return false;
    };
    put(s1, VERSION, &SERVER_VERSION);
    sign_packet(SERVER_KEY, s1, schema);
    sign_echo(SERVER_KEY, &client_digest, s2);
    true
}

/// Returns whether C2 is signed for this S1.
pub(super) fn is_c2_signed(c2: &[u8], s1: &[u8]) -> bool {
    let mut right = c2.to_vec();
    match find(SERVER_KEY, s1) {
        Some((_, digest)) => sign_echo(CLIENT_KEY, &digest, &mut right),
        None => return false,
    }
    right == c2
}

/// Signs C1 and returns its digest.
pub(super) fn sign_c1(c1: &mut [u8], schema: Schema) -> [u8; DIGEST_LEN] {
    put(c1, VERSION, &CLIENT_VERSION);
    sign_packet(CLIENT_KEY, c1, schema)
}

/// Signs C2, which holds random bytes, if the server signed S1; returns whether it did.
pub(super) fn sign_c2(s1: &[u8], c2: &mut [u8]) -> bool {
    let found = find(SERVER_KEY, s1);
    if let Some((_, digest)) = &found {
        sign_echo(CLIENT_KEY, digest, c2);
    }
    found.is_some()
}

/// Returns whether S2 is signed for a client that sent this digest.
pub(super) fn is_s2_signed(s2: &[u8], client_digest: &[u8; DIGEST_LEN]) -> bool {
    let mut right = s2.to_vec();
    sign_echo(SERVER_KEY, client_digest, &mut right);
    right == s2
}

/// Finds the digest of a packet, in whichever schema it is right.
fn find(key: &[u8], packet: &[u8]) -> Option<(Schema, [u8; DIGEST_LEN])> {
    [Schema::DigestFirst, Schema::KeyFirst]
        .into_iter()
        .find_map(|schema| {
            let place = schema.place(packet);
            let digest: [u8; DIGEST_LEN] = packet.get(place.clone())?.try_into().ok()?;
            (around(key, packet, place) == digest).then_some((schema, digest))
        })
}

fn sign_packet(key: &[u8], packet: &mut [u8], schema: Schema) -> [u8; DIGEST_LEN] {
    let place = schema.place(packet);
    let digest = around(key, packet, place.clone());
    put(packet, place, &digest);
    digest
}

/// Signs the last packet of a side for the digest of its peer.
fn sign_echo(key: &[u8], digest: &[u8; DIGEST_LEN], packet: &mut [u8]) {
    let key = hmac(&[key, &SALT].concat(), &[digest]);
    let start = PACKET_LEN.saturating_sub(DIGEST_LEN);
    let signature = hmac(&key, &[packet.get(..start).unwrap_or(&[])]);
    put(packet, start..PACKET_LEN, &signature);
}

/// Signs a packet but for the place of its digest.
fn around(key: &[u8], packet: &[u8], place: Range<usize>) -> [u8; DIGEST_LEN] {
    let before = packet.get(..place.start).unwrap_or(&[]);
    let behind = packet.get(place.end..).unwrap_or(&[]);
    hmac(key, &[before, behind])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
    // A key of any length is legal, so that this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; DIGEST_LEN];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn put(packet: &mut [u8], place: Range<usize>, bytes: &[u8]) {
    for (to, from) in packet.iter_mut().skip(place.start).zip(bytes) {
        *to = *from;
    }
}
