//! The server's side of the handshake.

#[cfg(feature = "digest")]
use super::digest;
use super::{EchoPolicy, PACKET_LEN, VERSION, check_version, differs, fill_random, take};
use crate::Error;
use alloc::vec::Vec;
use bytes::Bytes;

/// Where S1 begins in the answer.
const S1: usize = 1;
/// Where S2 begins in the answer.
const S2: usize = S1 + PACKET_LEN;
/// Bytes of S0, S1 and S2.
const ANSWER_LEN: usize = S2 + PACKET_LEN;

/// The server's side of the handshake.
///
/// A client that signs its packet gets a signed answer in the schema that it used; any other
/// client gets an exact echo. No client is turned away for a digest.
#[derive(Debug)]
pub struct ServerHandshake {
    seed: u64,
    echo: EchoPolicy,
    state: State,
    /// The answer in the making: C1 is collected where S2, its echo, goes out. Later what has come of C2, where all
    /// of it is needed.
    answer: Vec<u8>,
    /// The answer as sent, kept where C2 is compared with it.
    sent: Bytes,
    /// Whether the client signed C1, and got a signed answer.
    signed: bool,
    echoed: bool,
    offset: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    C0,
    C1,
    /// So many bytes of C2 have come.
    C2(usize),
    Done,
}

impl ServerHandshake {
    /// Makes a handshake; `seed` gives the random bytes.
    #[must_use]
    pub const fn new(seed: u64, echo: EchoPolicy) -> Self {
        Self {
            seed,
            echo,
            state: State::C0,
            answer: Vec::new(),
            sent: Bytes::new(),
            signed: false,
            echoed: true,
            offset: 0,
        }
    }

    /// Takes from the front of `input`, and returns once the bytes to send. It takes nothing that
    /// follows the handshake.
    ///
    /// # Errors
    /// A first byte that is not RTMP's, or an echo that the policy refuses.
    pub fn handle_input(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error> {
        while !input.is_empty() {
            match self.state {
                State::C0 => self.version(input)?,
                State::C1 => {
                    let missing = ANSWER_LEN.saturating_sub(self.answer.len());
                    let taken = take(input, missing);
                    self.offset = self.offset.saturating_add(taken.len() as u64);
                    self.answer.extend_from_slice(taken);
                    if self.answer.len() == ANSWER_LEN {
                        self.state = State::C2(0);
                        return Ok(Some(self.respond()));
                    }
                }
                State::C2(count) => self.compare(count, input)?,
                State::Done => break,
            }
        }
        Ok(None)
    }

    /// Returns whether the handshake is over: what is left of the input belongs to the chunk layer.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Returns whether the peer's last packet echoed ours so far. It is always so where the policy does
    /// not ask.
    #[must_use]
    pub const fn is_echoed(&self) -> bool {
        self.echoed
    }

    /// Returns how many bytes were taken.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    fn version(&mut self, input: &mut &[u8]) -> Result<(), Error> {
        let at = self.offset;
        for &version in take(input, 1) {
            check_version(at, version)?;
        }
        self.offset = self.offset.saturating_add(1);
        self.answer = Vec::with_capacity(ANSWER_LEN);
        self.answer.push(VERSION);
        self.answer.resize(S2, 0);
        self.state = State::C1;
        Ok(())
    }

    /// Fills S1 and S2; C1 stands where S2 goes, so that S2 begins as its exact echo.
    ///
    /// The specification lets the server note its clock in the echo. Some clients compare all of it, and none
    /// reads that clock.
    fn respond(&mut self) -> Bytes {
        let mut answer = core::mem::take(&mut self.answer);
        let (front, s2) = answer.split_at_mut(S2);
        let s1 = front.get_mut(S1..).unwrap_or(&mut []);
        fill_random(self.seed, s1.get_mut(8..).unwrap_or(&mut []));
        #[cfg(feature = "digest")]
        {
            self.signed = digest::sign(s1, s2);
        }
        #[cfg(not(feature = "digest"))]
        let _ = s2;
        let answer = Bytes::from(answer);
        if self.echo != EchoPolicy::Ignore {
            self.sent = answer.clone();
        }
        answer
    }

    /// Takes C2, and compares it with S1 if the policy asks.
    fn compare(&mut self, count: usize, input: &mut &[u8]) -> Result<(), Error> {
        let taken = take(input, PACKET_LEN.saturating_sub(count));
        let end = count.saturating_add(taken.len());
        let s1 = self.sent.get(S1..S2).unwrap_or(&[]);
        if self.signed && !s1.is_empty() {
            // Either form is right, and which one it is shows in the end.
            self.answer.extend_from_slice(taken);
        } else if let Some(place) = differs(s1, count, taken) {
            let ahead = place.saturating_sub(count) as u64;
            self.wrong(self.offset.saturating_add(ahead))?;
        }
        self.offset = self.offset.saturating_add(taken.len() as u64);
        self.state = State::C2(end);
        if end == PACKET_LEN {
            self.judge()?;
            self.state = State::Done;
            self.sent = Bytes::new();
        }
        Ok(())
    }

    /// Checks the whole of C2 of a client that signs: it is signed for S1, or echoes it.
    fn judge(&mut self) -> Result<(), Error> {
        let c2 = core::mem::take(&mut self.answer);
        let s1 = self.sent.get(S1..S2).unwrap_or(&[]);
        if c2.is_empty() {
            return Ok(());
        }
        #[cfg(feature = "digest")]
        if digest::is_c2_signed(&c2, s1) {
            return Ok(());
        }
        match differs(s1, 0, &c2) {
            Some(place) => {
                let behind = PACKET_LEN.saturating_sub(place) as u64;
                self.wrong(self.offset.saturating_sub(behind))
            }
            None => Ok(()),
        }
    }

    /// Notes that C2 is not what it should be.
    fn wrong(&mut self, at: u64) -> Result<(), Error> {
        self.echoed = false;
        match self.echo {
            EchoPolicy::Strict => Err(Error::HandshakeEcho { at }),
            EchoPolicy::Ignore | EchoPolicy::Warn => Ok(()),
        }
    }
}
