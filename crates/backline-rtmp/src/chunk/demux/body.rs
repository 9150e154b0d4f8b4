//! The bytes of a message, from its header to its end.

use super::{CHUNK_SIZE_MAX, Demuxer, Event, State, Step, skip};
use crate::chunk::Message;
use crate::{Error, Limits};
use bytes::Bytes;
use core::mem;

impl Demuxer {
    /// Copies the body's bytes, and runs over the headers of plain continuations.
    pub(super) fn body(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        let limit = reassembly_limit(&self.limits, self.publishing);
        let chunk_size = self.chunk_size as usize;
        let (absent, tracing) = (self.dialect.extended_absent, self.tracing);
        let slot = self.slots.get_mut(self.current);
        let body = &mut slot.body;
        let declared = slot.length as usize;
        let (len_before, capacity_before) = (body.len(), body.capacity());
        let cap = message_limit(&self.limits, slot.kind);
        let stop = declared
            .min(cap as usize)
            .min(len_before + limit.saturating_sub(self.buffered));
        // A continuation is one byte, unless the chunk stream has a long id or extended timestamps, or
        // the chunks are so small that each one is charged, or each one is told.
        let plain = slot.chunk_stream < 64
            && !tracing
            && (absent || !slot.extended)
            && self.chunk_size >= self.limits.chunk_size_min;
        let continuation = plain.then_some(0xC0 | slot.chunk_stream.to_be_bytes()[3]);
        let mut left = self.chunk_left;
        let mut rest = *input;
        let mut over = false;
        loop {
            let count = left.min(rest.len()).min(stop - body.len());
            let (taken, behind) = rest.split_at(count);
            if body.capacity() - body.len() < count {
                body.reserve_exact(body.len().max(count).min(declared - body.len()));
            }
            body.extend_from_slice(taken);
            rest = behind;
            left -= count;
            if left > 0 || body.len() == declared {
                break;
            }
            match (rest.first(), continuation) {
                (Some(next), Some(plain)) if *next == plain => {
                    skip(&mut rest, 1);
                    left = chunk_size.min(declared - body.len());
                }
                _ => {
                    over = true;
                    break;
                }
            }
        }
        self.offset += (input.len() - rest.len()) as u64;
        *input = rest;
        self.chunk_left = left;
        self.buffered += body.len() - len_before;
        self.reserved += body.capacity() - capacity_before;
        if body.len() == declared {
            self.state = self.complete();
            return Ok(Step::Complete);
        }
        if over {
            self.state = State::Header;
        } else if !rest.is_empty() {
            return Err(self.too_much(cap));
        }
        Ok(if rest.is_empty() {
            Step::Starved
        } else {
            Step::Again
        })
    }

    /// Names the cap that stopped the message at hand.
    fn too_much(&self, cap: u32) -> Error {
        let slot = self.slots.get(self.current);
        let (at, chunk_stream) = (self.offset, slot.chunk_stream);
        if slot.body.len() >= cap as usize {
            return Error::MessageLength {
                at,
                chunk_stream,
                kind: slot.kind,
                limit: cap,
            };
        }
        let limit = u32::try_from(reassembly_limit(&self.limits, self.publishing));
        Error::Reassembly {
            at,
            chunk_stream,
            limit: limit.unwrap_or(u32::MAX),
        }
    }

    /// Ends the message at hand, which stays in its slot.
    pub(super) fn complete(&mut self) -> State {
        let slot = self.slots.get_mut(self.current);
        slot.live = false;
        slot.largest = slot.largest.max(slot.length);
        self.live -= 1;
        self.buffered -= slot.body.len();
        self.reserved -= slot.body.capacity();
        State::Complete
    }

    /// Does what the message at hand says about the chunk layer; returns whether that brings an event,
    /// which comes before the message.
    #[inline]
    pub(super) fn obey(&mut self) -> Result<bool, Error> {
        let slot = self.slots.get(self.current);
        if slot.kind > Message::ABORT {
            return Ok(false);
        }
        let value = slot.body.first_chunk().copied().map(u32::from_be_bytes);
        match (slot.kind, value) {
            (Message::SET_CHUNK_SIZE, Some(size)) => self.resize(size)?,
            (Message::ABORT, Some(chunk_stream)) => {
                let index = self.slots.find(chunk_stream);
                return Ok(index.is_some_and(|index| self.abandon(index)));
            }
            _ => {}
        }
        Ok(false)
    }

    /// Takes the message at hand out of its slot.
    #[inline]
    pub(super) fn take_message(&mut self) -> Message {
        self.state = State::Header;
        self.open_short();
        let slot = self.slots.get_mut(self.current);
        let (kind, message_stream) = (slot.kind, slot.message_stream);
        let timestamp_ms = self.clocks.unwrap(message_stream, kind, slot.timestamp);
        Message {
            chunk_stream: slot.chunk_stream,
            message_stream,
            kind,
            timestamp_ms,
            payload: Bytes::from(mem::take(&mut slot.body)),
        }
    }

    fn resize(&mut self, size: u32) -> Result<(), Error> {
        if size == 0 || size > 0x7FFF_FFFF {
            return Err(Error::ChunkSize {
                at: self.offset,
                size,
            });
        }
        self.chunk_size = size.min(CHUNK_SIZE_MAX);
        self.dialect.chunk_size_set += 1;
        Ok(())
    }

    /// Drops the message in progress of a slot, if there is one; its header and timestamp stay.
    pub(super) fn abandon(&mut self, index: usize) -> bool {
        let slot = self.slots.get_mut(index);
        if !mem::take(&mut slot.live) {
            return false;
        }
        let body = mem::take(&mut slot.body);
        let chunk_stream = slot.chunk_stream;
        self.live -= 1;
        self.buffered -= body.len();
        self.reserved -= body.capacity();
        let received = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self.found = Some(Event::Abandoned {
            chunk_stream,
            received,
        });
        true
    }
}

/// Returns how many bytes all messages in progress may hold.
pub(super) const fn reassembly_limit(limits: &Limits, publishing: bool) -> usize {
    if publishing {
        limits.reassembly_bytes_live as usize
    } else {
        limits.reassembly_bytes as usize
    }
}

const fn message_limit(limits: &Limits, kind: u8) -> u32 {
    match kind {
        Message::SET_CHUNK_SIZE..=Message::SET_PEER_BANDWIDTH
        | Message::COMMAND_AMF3
        | Message::COMMAND => limits.command_bytes,
        _ => limits.message_bytes,
    }
}
