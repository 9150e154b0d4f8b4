//! The server's side of the handshake.

use crate::{Source, pieces};
use backline_rtmp::Error;
use backline_rtmp::handshake::{EchoPolicy, ServerHandshake};

/// C0, C1 and C2 together (RTMP 1.0, 5.2).
const CLIENT_BYTES: u64 = 1 + 1536 + 1536;

#[derive(Debug, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    taken: u64,
    done: bool,
    echoed: bool,
    error: Option<Error>,
}

/// Any partition of the input gives the same answer; it takes no byte that belongs to the chunk layer.
///
/// Input: a byte that picks the policy, a byte that seeds the partition, what a client sends.
pub fn handshake(data: &[u8]) {
    let mut source = Source::new(data);
    let policy = match source.below(3) {
        0 => EchoPolicy::Ignore,
        1 => EchoPolicy::Warn,
        _ => EchoPolicy::Strict,
    };
    let seed = source.u8();
    let wire = source.rest();
    let whole = outcome(policy, std::iter::once(wire));
    assert_eq!(whole, outcome(policy, pieces(wire, seed)), "seed {seed}");
    assert_eq!(whole, outcome(policy, pieces(wire, 0)), "byte by byte");
    if whole.done {
        assert_eq!(
            whole.taken, CLIENT_BYTES,
            "the rest belongs to the chunk layer"
        );
    } else if whole.error.is_none() {
        assert!(
            wire.len() as u64 <= CLIENT_BYTES,
            "an input of {} bytes is over or wrong",
            wire.len()
        );
    }
    assert!(
        whole.sent.is_empty() || whole.sent.len() as u64 == CLIENT_BYTES,
        "S0, S1 and S2 or nothing"
    );
    assert!(!whole.done || !whole.sent.is_empty());
}

fn outcome<'a>(policy: EchoPolicy, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut handshake = ServerHandshake::new(7, policy);
    let (mut sent, mut error) = (Vec::new(), None);
    let mut taken = 0;
    for mut piece in input {
        while !piece.is_empty() && !handshake.is_done() && error.is_none() {
            let before = piece.len();
            match handshake.handle_input(&mut piece) {
                Ok(Some(bytes)) => sent.extend(bytes),
                Ok(None) => {}
                Err(found) => error = Some(found),
            }
            taken += (before - piece.len()) as u64;
            assert!(
                piece.len() < before || error.is_some(),
                "it took nothing and said nothing"
            );
        }
    }
    // After an error it is no matter how far it had read.
    let taken = if error.is_some() { 0 } else { taken };
    Outcome {
        sent,
        taken,
        done: handshake.is_done(),
        echoed: handshake.is_echoed(),
        error,
    }
}
