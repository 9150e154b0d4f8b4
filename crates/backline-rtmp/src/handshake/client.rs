//! The client's side of the handshake.

#[cfg(feature = "digest")]
use super::digest;
use super::{EchoPolicy, PACKET_LEN, VERSION, check_version, differs, fill_random, take};
use crate::Error;
use alloc::vec::Vec;
use bytes::Bytes;

/// The form of handshake that a client begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Form {
    /// Signed, with the digest in the first half of the packet (schema 1), as FFmpeg does. For servers of Adobe's
    /// line, which play H.264 only to whoever signs.
    #[cfg(feature = "digest")]
    Digest,
    /// Signed, with the digest in the second half (schema 0).
    #[cfg(feature = "digest")]
    DigestKeyFirst,
    /// As the specification has it. Every ingest server takes it.
    #[default]
    Simple,
}

/// The client's side of the handshake.
///
/// A server that does not answer a signed packet in kind gets the plain echo; no server is left for it.
#[derive(Debug)]
pub struct ClientHandshake {
    #[cfg(feature = "digest")]
    seed: u64,
    echo: EchoPolicy,
    state: State,
    /// C0 and C1 as sent.
    sent: Bytes,
    #[cfg(feature = "digest")]
    digest: Option<[u8; digest::DIGEST_LEN]>,
    /// What has come of S1 or S2.
    packet: Vec<u8>,
    echoed: bool,
    signed: bool,
    offset: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    S0,
    S1,
    S2,
    Done,
}

impl ClientHandshake {
    /// Makes a handshake and returns it with C0 and C1, to be sent at once; `seed` gives the random bytes.
    #[must_use]
    pub fn new(seed: u64, form: Form, echo: EchoPolicy) -> (Self, Bytes) {
        let mut first = alloc::vec![0; 1 + PACKET_LEN];
        let (version, c1) = first.split_at_mut(1);
        version.fill(VERSION);
        fill_random(seed, c1.get_mut(8..).unwrap_or(&mut []));
        #[cfg(feature = "digest")]
        let digest = match form {
            Form::Digest => Some(digest::sign_c1(c1, digest::Schema::DigestFirst)),
            Form::DigestKeyFirst => Some(digest::sign_c1(c1, digest::Schema::KeyFirst)),
            Form::Simple => None,
        };
        #[cfg(not(feature = "digest"))]
        let Form::Simple = form;
        let sent = Bytes::from(first);
        let this = Self {
            #[cfg(feature = "digest")]
            seed,
            echo,
            state: State::S0,
            sent: sent.clone(),
            #[cfg(feature = "digest")]
            digest,
            packet: Vec::new(),
            echoed: true,
            signed: false,
            offset: 0,
        };
        (this, sent)
    }

    /// Takes from the front of `input`, and returns once C2, to be sent. It takes nothing that follows the handshake.
    ///
    /// # Errors
    /// A first byte that is not RTMP's, or an echo that the policy refuses.
    pub fn handle_input(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error> {
        while !input.is_empty() && self.state != State::Done {
            if self.state == State::S0 {
                for &version in take(input, 1) {
                    check_version(self.offset, version)?;
                }
                self.offset = self.offset.saturating_add(1);
                self.state = State::S1;
                continue;
            }
            let taken = take(input, PACKET_LEN.saturating_sub(self.packet.len()));
            let before = self.packet.len();
            self.packet.extend_from_slice(taken);
            if self.state == State::S2 {
                self.compare(before, taken)?;
            }
            self.offset = self.offset.saturating_add(taken.len() as u64);
            if self.packet.len() < PACKET_LEN {
                continue;
            }
            let packet = core::mem::take(&mut self.packet);
            if self.state == State::S1 {
                self.state = State::S2;
                return Ok(Some(self.answer(packet)));
            }
            self.judge(&packet)?;
            self.state = State::Done;
            self.sent = Bytes::new();
        }
        Ok(None)
    }

    /// Returns whether the handshake is over: what is left of the input belongs to the chunk layer.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Returns whether the server's last packet is right so far: the echo of ours, or signed for it. It is always so
    /// where the policy does not ask.
    #[must_use]
    pub const fn is_echoed(&self) -> bool {
        self.echoed
    }

    /// Returns whether the server signed its first packet; it does so only for a client that does.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signed
    }

    /// Returns how many bytes were taken.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes C2 of S1: its echo, or for a server that signs, signed random bytes.
    fn answer(&mut self, s1: Vec<u8>) -> Bytes {
        #[cfg(feature = "digest")]
        if self.digest.is_some() {
            let mut c2 = alloc::vec![0; PACKET_LEN];
            fill_random(!self.seed, &mut c2);
            self.signed = digest::sign_c2(&s1, &mut c2);
            if self.signed {
                return Bytes::from(c2);
            }
        }
        Bytes::from(s1)
    }

    /// Compares what came of an echo, whose bytes before these are right, at once: the place of the fault does not
    /// depend on how the bytes came.
    fn compare(&mut self, before: usize, taken: &[u8]) -> Result<(), Error> {
        if self.signed || self.echo == EchoPolicy::Ignore {
            return Ok(());
        }
        let c1 = self.sent.get(1..).unwrap_or(&[]);
        match differs(c1, before, taken) {
            Some(place) => {
                let ahead = place.saturating_sub(before) as u64;
                self.wrong(self.offset.saturating_add(ahead))
            }
            None => Ok(()),
        }
    }

    /// Checks the whole of S2, where it is signed.
    fn judge(&mut self, s2: &[u8]) -> Result<(), Error> {
        #[cfg(feature = "digest")]
        if let Some(digest) = &self.digest
            && self.signed
            && self.echo != EchoPolicy::Ignore
            && !digest::is_s2_signed(s2, digest)
        {
            let signature = self.offset.saturating_sub(digest::DIGEST_LEN as u64);
            return self.wrong(signature);
        }
        let _ = s2;
        Ok(())
    }

    /// Notes that a packet is not what it should be.
    fn wrong(&mut self, at: u64) -> Result<(), Error> {
        self.echoed = false;
        match self.echo {
            EchoPolicy::Strict => Err(Error::HandshakeEcho { at }),
            EchoPolicy::Ignore | EchoPolicy::Warn => Ok(()),
        }
    }
}
