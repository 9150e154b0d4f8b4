//! Both sides of the handshake.

use crate::{Source, pieces};
use backline_rtmp::Error;
use backline_rtmp::handshake::{ClientHandshake, EchoPolicy, Form, ServerHandshake};
use bytes::Bytes;

/// C0, C1 and C2 together, and so S0, S1 and S2 (RTMP 1.0, 5.2).
const SIDE_BYTES: u64 = 1 + 1536 + 1536;

#[derive(Debug, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    taken: u64,
    done: bool,
    echoed: bool,
    signed: bool,
    error: Option<Error>,
}

/// What both sides of the handshake have.
trait Side {
    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error>;
    fn is_done(&self) -> bool;
    fn is_echoed(&self) -> bool;
    fn is_signed(&self) -> bool;
}

impl Side for ServerHandshake {
    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error> {
        self.handle_input(input)
    }

    fn is_done(&self) -> bool {
        self.is_done()
    }

    fn is_echoed(&self) -> bool {
        self.is_echoed()
    }

    fn is_signed(&self) -> bool {
        false
    }
}

impl Side for ClientHandshake {
    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error> {
        self.handle_input(input)
    }

    fn is_done(&self) -> bool {
        self.is_done()
    }

    fn is_echoed(&self) -> bool {
        self.is_echoed()
    }

    fn is_signed(&self) -> bool {
        self.is_signed()
    }
}

/// Any partition of the input gives the same answer; it takes no byte that belongs to the chunk layer.
///
/// Input: a byte that picks the policy, a byte that seeds the partition, what a client sends.
pub fn handshake(data: &[u8]) {
    let mut source = Source::new(data);
    let policy = policy(source.u8());
    let seed = source.u8();
    let wire = source.rest();
    let server = || ServerHandshake::new(7, policy);
    let whole = outcome(server(), std::iter::once(wire));
    assert_eq!(whole, outcome(server(), pieces(wire, seed)), "seed {seed}");
    assert_eq!(whole, outcome(server(), pieces(wire, 0)), "byte by byte");
    if whole.done {
        assert_eq!(
            whole.taken, SIDE_BYTES,
            "the rest belongs to the chunk layer"
        );
    } else if whole.error.is_none() {
        assert!(
            wire.len() as u64 <= SIDE_BYTES,
            "an input of {} bytes is over or wrong",
            wire.len()
        );
    }
    assert!(
        whole.sent.is_empty() || whole.sent.len() as u64 == SIDE_BYTES,
        "S0, S1 and S2 or nothing"
    );
    assert!(!whole.done || !whole.sent.is_empty());
}

/// The same of the client's side.
///
/// Input: a byte that picks the policy, one that picks the form, one that seeds the partition, what a server sends.
pub fn client_handshake(data: &[u8]) {
    let mut source = Source::new(data);
    let policy = policy(source.u8());
    let form = form(source.u8());
    let seed = source.u8();
    let wire = source.rest();
    let client = || ClientHandshake::new(7, form, policy).0;
    let whole = outcome(client(), std::iter::once(wire));
    assert_eq!(whole, outcome(client(), pieces(wire, seed)), "seed {seed}");
    assert_eq!(whole, outcome(client(), pieces(wire, 0)), "byte by byte");
    if whole.done {
        assert_eq!(
            whole.taken, SIDE_BYTES,
            "the rest belongs to the chunk layer"
        );
        assert!(policy != EchoPolicy::Strict || whole.echoed);
    } else if whole.error.is_none() {
        assert!(wire.len() as u64 <= SIDE_BYTES, "it is over or wrong");
    }
    assert!(
        matches!(whole.sent.len(), 0 | 1536),
        "C2 or nothing: C0 and C1 came before"
    );
    assert!(form != Form::Simple || !whole.signed);
    paired(form, u64::from(seed), data);
}

/// Our client and our server, in any form and any pieces, satisfy each other by the strictest policy, and lose no byte
/// of what follows.
fn paired(form: Form, seed: u64, behind: &[u8]) {
    let (mut client, first) = ClientHandshake::new(seed, form, EchoPolicy::Strict);
    let mut server = ServerHandshake::new(seed + 1, EchoPolicy::Strict);
    let mut up = first.to_vec();
    let answer = feed(&mut server, &up, seed as u8).0;
    let mut down = answer;
    down.extend(behind);
    let (second, rest) = feed(&mut client, &down, seed as u8);
    assert_eq!(rest, behind, "the chunk layer's bytes");
    assert!(client.is_done() && client.is_echoed());
    assert_eq!(client.is_signed(), form != Form::Simple);
    up = second;
    up.extend(behind);
    let (nothing, rest) = feed(&mut server, &up, seed as u8);
    assert_eq!((&*nothing, rest), (&[][..], behind));
    assert!(server.is_done() && server.is_echoed());
}

/// Gives a side bytes in pieces; returns what it sends and what is left once it is done.
fn feed<'a>(side: &mut impl Side, wire: &'a [u8], seed: u8) -> (Vec<u8>, &'a [u8]) {
    let (mut sent, mut taken) = (Vec::new(), 0);
    for mut piece in pieces(wire, seed) {
        while !piece.is_empty() && !side.is_done() {
            let before = piece.len();
            let answer = side.take(&mut piece).expect("our own side is in order");
            sent.extend(answer.unwrap_or_default());
            taken += before - piece.len();
        }
    }
    (sent, &wire[taken..])
}

fn policy(choice: u8) -> EchoPolicy {
    match choice % 3 {
        0 => EchoPolicy::Ignore,
        1 => EchoPolicy::Warn,
        _ => EchoPolicy::Strict,
    }
}

pub(super) fn form(choice: u8) -> Form {
    match choice % 3 {
        0 => Form::Simple,
        1 => Form::Digest,
        _ => Form::DigestKeyFirst,
    }
}

fn outcome<'a>(mut side: impl Side, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut sent, mut error) = (Vec::new(), None);
    let mut taken = 0;
    for mut piece in input {
        while !piece.is_empty() && !side.is_done() && error.is_none() {
            let before = piece.len();
            match side.take(&mut piece) {
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
        done: side.is_done(),
        echoed: side.is_echoed(),
        signed: side.is_signed(),
        error,
    }
}
