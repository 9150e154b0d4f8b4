//! The signed form of the handshake: no secret, since the keys are known to all, but some clients insist.

use super::PACKET_LEN;
use core::ops::Range;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const DIGEST_LEN: usize = 32;
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
    pub(super) fn place(self, packet: &[u8]) -> Range<usize> {
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

/// Signs S1 and S2 if the client signed C1, which stands where S2 goes; leaves both alone otherwise.
pub(super) fn sign(s1: &mut [u8], s2: &mut [u8]) {
    if s2.get(VERSION).is_none_or(|version| version == [0; 4]) {
        return;
    }
    let signed = [Schema::DigestFirst, Schema::KeyFirst]
        .into_iter()
        .find_map(|schema| {
            let place = schema.place(s2);
            let digest: [u8; DIGEST_LEN] = s2.get(place.clone())?.try_into().ok()?;
            (around(CLIENT_KEY, s2, place) == digest).then_some((schema, digest))
        });
    let Some((schema, client_digest)) = signed else {
        return;
    };
    put(s1, VERSION, &SERVER_VERSION);
    let place = schema.place(s1);
    let digest = around(SERVER_KEY, s1, place.clone());
    put(s1, place, &digest);
    let key = hmac(&[SERVER_KEY, &SALT].concat(), &[&client_digest]);
    let start = PACKET_LEN.saturating_sub(DIGEST_LEN);
    let signature = hmac(&key, &[s2.get(..start).unwrap_or(&[])]);
    put(s2, start..PACKET_LEN, &signature);
}

/// Signs a packet but for the place of its digest.
pub(super) fn around(key: &[u8], packet: &[u8], place: Range<usize>) -> [u8; DIGEST_LEN] {
    let before = packet.get(..place.start).unwrap_or(&[]);
    let behind = packet.get(place.end..).unwrap_or(&[]);
    hmac(key, &[before, behind])
}

pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
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
