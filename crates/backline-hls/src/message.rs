//! Event messages: opaque bytes for a moment of the media, carried in the next part (`emsg`).

use core::time::Duration;

use bytes::Bytes;

use crate::Error;
use crate::error::MessageProblem;
use crate::fmp4::{emsg, emsg_size};
use crate::presentation::{Phase, Presentation};
use crate::timeline::ticks;

/// A message that travels with the media: an `emsg` box before the `moof` of the next part of every picture rendition,
/// or of the leading one where there is no picture.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Emsg {
    /// Whose messages these are, such as `urn:scte:scte35:2013:bin`.
    pub scheme_id_uri: String,
    /// Which of them.
    pub value: String,
    /// The moment of it, on the publisher's clock as [`Sample::dts_ns`](crate::Sample::dts_ns) counts it.
    pub time_ns: i64,
    /// How long it lasts, if that is known.
    pub duration: Option<Duration>,
    /// Equal for repeats of one message.
    pub id: u32,
    /// What it says.
    pub data: Bytes,
}

impl Emsg {
    /// Names what every message has.
    #[must_use]
    pub fn new(scheme_id_uri: impl Into<String>, time_ns: i64, data: Bytes) -> Self {
        Self {
            scheme_id_uri: scheme_id_uri.into(),
            value: String::new(),
            time_ns,
            duration: None,
            id: 0,
            data,
        }
    }

    fn check(&self, limit: usize) -> Result<(), MessageProblem> {
        for (field, text) in [
            ("scheme_id_uri", &self.scheme_id_uri),
            ("value", &self.value),
        ] {
            if text.contains('\0') {
                return Err(MessageProblem::Text { field });
            }
        }
        if self.scheme_id_uri.is_empty() {
            return Err(MessageProblem::SchemeMissing);
        }
        let size = emsg_size(self);
        if size > limit {
            return Err(MessageProblem::TooLarge { size, limit });
        }
        Ok(())
    }
}

impl Presentation {
    /// Puts a message into the next part.
    pub(crate) fn message(&mut self, message: &Emsg) -> Result<(), Error> {
        self.place_message(message)
            .map_err(|problem| Error::Message { problem })
    }

    fn place_message(&mut self, message: &Emsg) -> Result<(), MessageProblem> {
        let limits = &self.config.limits;
        message.check(limits.message_bytes)?;
        if self.phase != Phase::Live {
            return Err(MessageProblem::NoMedia);
        }
        let pictures = self
            .renditions
            .iter()
            .any(|rendition| rendition.id.has_picture());
        let carries = |index: usize, picture: bool| picture || (!pictures && index == 0);
        let limit = limits.part_messages;
        let mut carriers = self.renditions.iter().enumerate();
        if carriers.any(|(index, rendition)| {
            carries(index, rendition.id.has_picture()) && rendition.part.messages.len() >= limit
        }) {
            return Err(MessageProblem::TooMany { limit });
        }
        // Before the first media of the timeline there is no time for it.
        let time = |timescale| u64::try_from(self.epoch.ticks(message.time_ns, timescale));
        if message.time_ns.unsigned_abs() > TIME_MAX_NS || time(1_000).is_err() {
            let time_ns = message.time_ns;
            return Err(MessageProblem::Time { time_ns });
        }
        let duration = |timescale| {
            let ns = i128::try_from(message.duration?.as_nanos()).ok()?;
            // All ones would say that it is not known.
            u32::try_from(ticks(ns.min(i128::from(i64::MAX)), timescale))
                .map(|ticks| ticks.min(u32::MAX - 1))
                .ok()
        };
        let epoch = self.epoch;
        for (index, rendition) in self.renditions.iter_mut().enumerate() {
            if !carries(index, rendition.id.has_picture()) {
                continue;
            }
            let timescale = rendition.timescale;
            let at = u64::try_from(epoch.ticks(message.time_ns, timescale)).unwrap_or(0);
            let made = emsg(message, timescale, at, duration(timescale));
            rendition.part.carry(made);
        }
        Ok(())
    }
}

/// As of any sample.
const TIME_MAX_NS: u64 = 1 << 62;
